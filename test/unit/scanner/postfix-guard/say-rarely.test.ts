import { expect, it } from 'vitest';
import { sayRarely } from '../../../../scanner/postfix/guard/say-rarely.ts';

it('a reason is said once, again after a minute, and at once when it is another', () => {
  const lines: string[] = [];
  let now = 0;
  const say = sayRarely(
    (line) => void lines.push(line),
    () => now,
  );
  for (; now < 60_000; now += 1000) say('refused', `refused at ${now}`);
  say('refused', `refused at ${now}`);
  say('other', `other at ${now}`);
  say('refused', `refused at ${now}`);

  expect(lines).toEqual(['refused at 0', 'refused at 60000', 'other at 60000']);
});
