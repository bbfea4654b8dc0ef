import { describe, expect, it } from 'vitest';
import { RequestRefused } from '../../../scanner/conversation.ts';
import { type Memory, type Reconciling, reconcile } from '../../../scanner/reconcile.ts';
import { ConfigurationRefused, type Contents } from '../../../scanner/sink.ts';
import type { Desired } from '../../../shared/domain/desired.ts';
import { shadowDifference } from '../../../shared/domain/shadow-difference.ts';
import { advancedShadow, smtpShadow } from '../../../shared/messages/shadow.ts';
import { advancedDesired, desired, pair, wholeDesired } from './documents.ts';
import { shadowsOf } from './shadows-of.ts';

const other = advancedDesired({
  delivery: { minRetryMinutes: 5 },
  outbound: { defaultSenderDomain: 'a.example' },
});

/** A Scanner over the embedded shadow service; what it fetches and where it puts it are at hand. */
const scanner = (applied: Desired | null = null) => {
  const shadows = shadowsOf('mx1');
  const memory: Memory = { applied, previous: null, refused: null };
  const puts: Desired[] = [];
  const said: string[] = [];
  const lines: string[] = [];
  const fails: { fetch?: Error; put?: Error; report?: string } = {};
  const notes: { of?: string } = {};
  const throwing = (error: Error | undefined) => {
    if (error) throw error;
  };
  const contents: Contents = { lists: new Map(), artifacts: new Map() };
  const work: Reconciling = {
    conversation: {
      shadow: async (name) => {
        const shadow = shadows.get(name);
        return shadow && { ...shadow.state, version: shadow.version };
      },
      report: async (name, reported, version) => {
        throwing(fails.report === name ? new Error('the connection is gone') : undefined);
        said.push(name);
        const made = shadows.update(name, { reported }, version);
        if (made === null) throw new RequestRefused('The update', 409, 'Version conflict');
        return made;
      },
    },
    supply: {
      contents: async () => {
        throwing(fails.fetch);
        return contents;
      },
      keepOnly: async () => undefined,
    },
    sink: {
      held: async () => ({ current: memory.applied, previous: null }),
      apply: async (wanted) => {
        throwing(fails.put);
        puts.push(wanted);
        harness.meanwhile();
        harness.meanwhile = () => undefined;
        return notes.of;
      },
    },
    memory,
    now: () => new Date(0),
    log: (line) => lines.push(line),
    signal: new AbortController().signal,
    overtaken: () => false,
  };
  const desire = (name: typeof smtpShadow | typeof advancedShadow, wanted: object) => {
    const present = shadows.get(name)?.state.desired ?? {};
    shadows.update(name, { desired: shadowDifference(present, { ...wanted }) ?? {} });
  };
  const publish = ({ smtp, advanced }: Desired) => {
    desire(advancedShadow, advanced);
    desire(smtpShadow, smtp);
  };
  const harness = {
    /** What others do while a configuration is applied. */
    meanwhile: (): void => undefined,
    memory,
    puts,
    said,
    lines,
    fails,
    notes,
    desire,
    publish,
    pass: () => reconcile(work),
    reported: (name: string) => shadows.get(name)?.state.reported,
    deltas: () => [smtpShadow, advancedShadow].map((name) => shadows.get(name)?.state.delta),
  };
  return harness;
};

const [first, next] = [pair(desired()), pair(desired({ revision: 8 }), other)];

describe('a pass of the Scanner', () => {
  it('applies the two documents and mirrors both, the advanced settings first, so that no delta remains', async () => {
    const mx = scanner();
    mx.publish(next);

    expect(await mx.pass()).toBe('settled');

    expect(mx.puts).toEqual([next]);
    expect(mx.said).toEqual([smtpShadow, advancedShadow, smtpShadow]);
    expect(mx.reported(advancedShadow)).toEqual(other);
    expect(mx.reported(smtpShadow)).toEqual({
      ...next.smtp,
      status: expect.objectContaining({ code: 'applied' }),
    });
    expect(mx.deltas()).toEqual([undefined, undefined]);
  });

  it('says what the sink says of how it was applied, and goes on saying it, in the next process too', async () => {
    const mx = scanner();
    mx.notes.of = 'it was reloaded';
    mx.publish(first);
    await mx.pass();
    const status = { revision: 7, code: 'applied', message: 'it was reloaded' };
    expect(mx.reported(smtpShadow)).toMatchObject({ status });
    expect(mx.lines.at(-1)).toMatch(/^applied revision 7 .*: it was reloaded$/);

    mx.memory.note = undefined;
    const reports = mx.said.length;
    expect(await mx.pass()).toBe('settled');
    expect(mx.said).toHaveLength(reports);
    expect(mx.reported(smtpShadow)).toMatchObject({ status });

    delete mx.notes.of;
    mx.publish(next);
    await mx.pass();
    expect(mx.reported(smtpShadow)?.['status']).not.toHaveProperty('message');
  });

  it('says null for what is gone from both', async () => {
    const mx = scanner();
    mx.publish(pair(wholeDesired(), other));
    await mx.pass();
    mx.publish(pair(desired({ revision: 8 })));
    await mx.pass();

    expect(mx.deltas()).toEqual([undefined, undefined]);
    expect(mx.reported(advancedShadow)).toEqual(advancedDesired());
    expect(Object.keys(mx.reported(smtpShadow) ?? {}).sort()).toEqual(
      [...Object.keys(desired()), 'status'].sort(),
    );
  });

  it('says nothing when both shadows say it already', async () => {
    const mx = scanner();
    mx.publish(next);
    await mx.pass();
    mx.said.length = 0;
    expect(await mx.pass()).toBe('settled');
    expect(mx.said).toEqual([]);
  });

  it('mends a mirror that another wrote into', async () => {
    const mx = scanner(first);
    mx.publish(first);
    await mx.pass();
    mx.desire(advancedShadow, first.advanced);
    mx.memory.applied = next;
    mx.publish(next);
    await mx.pass();
    expect(mx.reported(advancedShadow)).toEqual(other);
    expect(mx.puts).toEqual([]);
  });

  it('does not say applied while the advanced settings could not be mirrored, and does both later', async () => {
    const mx = scanner();
    mx.publish(next);
    mx.fails.report = advancedShadow;
    await expect(mx.pass()).rejects.toThrow(/connection/);
    expect(mx.reported(smtpShadow)).toMatchObject({ status: { code: 'applying' } });

    delete mx.fails.report;
    expect(await mx.pass()).toBe('settled');

    expect(mx.puts).toHaveLength(1);
    expect(mx.reported(smtpShadow)).toMatchObject({ revision: 8, status: { code: 'applied' } });
    expect(mx.deltas()).toEqual([undefined, undefined]);
  });
});

describe('a report', () => {
  it('is refused when the shadow has moved since it was looked at, and the next pass says what is so', async () => {
    const mx = scanner();
    mx.publish(first);
    mx.meanwhile = () => mx.publish(next);

    await expect(mx.pass()).rejects.toMatchObject({ code: 409 });
    expect(mx.reported(smtpShadow)).not.toHaveProperty('revision');
    expect(await mx.pass()).toBe('settled');

    expect(mx.reported(smtpShadow)).toMatchObject({ revision: 8, status: { revision: 8, code: 'applied' } });
    expect(mx.deltas()).toEqual([undefined, undefined]);
  });
});

describe('a pass between the two writes of a publisher', () => {
  it('waits for the advanced settings, says nothing of it, and tries again', async () => {
    const mx = scanner(first);
    mx.publish(first);
    await mx.pass();
    mx.said.length = 0;
    mx.desire(smtpShadow, next.smtp);

    expect(await mx.pass()).toBe('again');

    expect([mx.puts, mx.said]).toEqual([[], []]);
    expect(mx.lines).toContain('revision 8 waits for its advanced settings');
    mx.desire(advancedShadow, next.advanced);
    expect(await mx.pass()).toBe('settled');
    expect(mx.puts).toEqual([next]);
  });

  it('keeps what it runs while only the advanced settings have moved, and looks again', async () => {
    const mx = scanner(first);
    mx.publish(first);
    await mx.pass();
    mx.desire(advancedShadow, next.advanced);

    expect(await mx.pass()).toBe('again');

    expect(mx.puts).toEqual([]);
    expect(mx.reported(smtpShadow)).toMatchObject({ revision: 7, status: { revision: 7, code: 'applied' } });
    mx.desire(smtpShadow, next.smtp);
    await mx.pass();
    expect(mx.puts).toEqual([next]);
  });

  it('with nothing but the settings published waits', async () => {
    const mx = scanner();
    mx.desire(smtpShadow, next.smtp);
    expect(await mx.pass()).toBe('again');
    expect(mx.reported(smtpShadow)).toBeUndefined();
  });

  it('does not take back what was said of a revision that failed', async () => {
    const mx = scanner(first);
    mx.publish(next);
    mx.fails.fetch = new Error('no network');
    expect(await mx.pass()).toBe('again');
    mx.desire(smtpShadow, { ...next.smtp, revision: 9, advanced: first.smtp.advanced });

    expect(await mx.pass()).toBe('again');

    expect(mx.reported(smtpShadow)).toMatchObject({ revision: 7, status: { revision: 8, code: 'failed' } });
  });
});

describe('a pass that cannot apply', () => {
  it('because something may pass leaves the mirrors at what is in force', async () => {
    const mx = scanner(first);
    mx.publish(next);
    mx.fails.put = new Error('ENOSPC');
    expect(await mx.pass()).toBe('again');
    expect(mx.reported(advancedShadow)).toEqual(first.advanced);
    expect(mx.reported(smtpShadow)).toMatchObject({ revision: 7, status: { revision: 8, code: 'failed' } });
  });

  it('because it can never work is settled, with a pointer', async () => {
    const mx = scanner(first);
    mx.publish(next);
    mx.fails.fetch = new ConfigurationRefused({ pointer: '/artifacts/domain-bindings', message: 'no' });
    expect(await mx.pass()).toBe('settled');
    expect(await mx.pass()).toBe('settled');
    expect(mx.reported(smtpShadow)).toMatchObject({
      status: { revision: 8, code: 'rejected', pointer: '/artifacts/domain-bindings' },
    });
  });

  it('because the advanced settings have an unknown member refuses them', async () => {
    const mx = scanner(first);
    mx.publish(pair(next.smtp, { ...other, routing: {} } as never));
    expect(await mx.pass()).toBe('settled');
    expect(mx.puts).toEqual([]);
    expect(mx.reported(smtpShadow)).toMatchObject({
      status: { revision: 8, code: 'rejected', pointer: '/advanced/routing' },
    });
  });
});
