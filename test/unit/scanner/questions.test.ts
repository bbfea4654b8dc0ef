import { describe, expect, it } from 'vitest';
import { questions } from '../../../scanner/questions.ts';

describe('a question', () => {
  const alive = new AbortController().signal;

  it('is settled by the answer with its token alone', async () => {
    const asked = questions<string>(10_000);
    const one = asked.ask('1', alive, () => undefined);
    const two = asked.ask('2', alive, () => undefined);
    asked.answer('2', 'second');
    asked.answer(undefined, 'nobody');
    asked.answer('3', 'a stranger');
    asked.answer('1', 'first');
    asked.answer('1', 'doubled');
    expect(await Promise.all([one, two])).toEqual(['first', 'second']);
  });

  it('that is refused rejects', async () => {
    const asked = questions<string>(10_000);
    const one = asked.ask('1', alive, () => asked.refuse('1', new Error('409')));
    await expect(one).rejects.toThrow('409');
  });

  it('without an answer rejects after its time', async () => {
    const asked = questions<string>(1);
    await expect(asked.ask('1', alive, () => undefined)).rejects.toThrow(/no answer within/);
  });

  it('rejects when the connection ends, and is not sent when it has ended', async () => {
    const asked = questions<string>(10_000);
    const connection = new AbortController();
    const one = asked.ask('1', connection.signal, () => undefined);
    connection.abort(new Error('gone'));
    await expect(one).rejects.toThrow('gone');
    let sent = false;
    const late = asked.ask('2', connection.signal, () => {
      sent = true;
    });
    await expect(late).rejects.toThrow('gone');
    expect(sent).toBe(false);
  });
});
