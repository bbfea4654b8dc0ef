import { hash as digest } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Asked, judgeEdit, judgePatch } from '../../../../shared/domain/access-lists.ts';
import {
  accessFormat,
  type BuiltList,
  buildList,
  decodeChunk,
  type Manifest,
} from '../../../../shared/domain/lists/chunks.ts';
import { parseEntry } from '../../../../shared/domain/lists/entry.ts';
import { readImportFile } from '../../../../shared/domain/lists/import-file.ts';
import { editRegions, regionsOf } from '../../../../shared/domain/lists/local-edit.ts';
import { byChunk, foundIn } from '../../../../shared/domain/lists/lookup.ts';
import { type EntryChange, mergeEntries } from '../../../../shared/domain/lists/merge.ts';
import { keyed, type ListEntry } from '../../../../shared/domain/lists/order.ts';
import type { AccessEntry, ImportMode } from '../../../../shared/schemas/lists.ts';
import { inOrder, referenceEntry } from './reference.ts';

const known = new Map<string, string>();
const hash = (text: string): string => {
  if (text.length > 300) return digest('sha256', text);
  const result = known.get(text) ?? digest('sha256', text);
  known.set(text, result);
  return result;
};

/** The model: what a person would keep in a notebook. */
type Model = Map<string, { enabled: boolean; comment: string }>;

/** The system: chunks by their hash, and a manifest, as the bucket and the head hold them. */
class Stored {
  readonly chunks = new Map<string, string>();
  manifest!: Manifest;
  root = '';
  /** What there was after each command: revisions, and the page of the notebook that each is. */
  readonly history: { manifest: Manifest; root: string; model: Model }[] = [];

  constructor() {
    this.take(buildList([], accessFormat, hash));
  }

  take(built: BuiltList): void {
    for (const { sha256, text } of built.chunks) this.chunks.set(sha256, text);
    this.manifest = built.manifest;
    this.root = built.root;
  }

  entries(from = 0, to = this.manifest.chunks.length): AccessEntry[] {
    return this.manifest.chunks
      .slice(from, to)
      .flatMap(({ sha256 }) => decodeChunk(this.chunks.get(sha256) ?? ''));
  }

  keyed(from?: number, to?: number): ListEntry[] {
    return this.entries(from, to).map(keyed);
  }

  /** As a restore does it: the head names an earlier root again, of which every chunk is still there. */
  restore({ manifest, root }: { manifest: Manifest; root: string }): void {
    this.manifest = manifest;
    this.root = root;
    for (const { sha256 } of manifest.chunks) expect(this.chunks.has(sha256)).toBe(true);
  }

  edit(changes: readonly EntryChange[]): void {
    const regions = regionsOf(this.manifest, changes).map((region) => ({
      ...region,
      entries: this.keyed(region.from, region.to),
    }));
    this.take(editRegions(this.manifest, regions, hash).built);
  }

  find(value: string): AccessEntry | undefined {
    const wanted = { ...keyed({ value, kind: 'ipv4', enabled: true }), ...parseEntry(value) };
    for (const [index, values] of byChunk(this.manifest, [wanted as never]))
      return foundIn(this.entries(index, index + 1), values)[0];
    return undefined;
  }
}

/** Values of every kind, neighbours and nests among them; the index is what commands carry. */
const nth = (index: number): string => {
  const low = index >> 3;
  switch (index & 7) {
    case 0:
      return `10.${low % 3}.${(low >> 2) & 255}.0/24`;
    case 1:
      return `2001:db8::${(low + 1).toString(16)}`;
    case 2:
      return `d${low}.example.com`;
    case 3:
      return `.d${low}.example.com`;
    case 4:
      return `2001:db8:${(low + 1).toString(16)}::/48`;
    default:
      return `10.${(low >> 8) & 255}.${low & 255}.${index & 7}`;
  }
};

const scratch = (model: Model) => {
  const ranked = [...model.keys()].map((value) => referenceEntry(value)).filter((entry) => entry !== null);
  const entries = inOrder(ranked).map((value) => {
    const { enabled, comment } = model.get(value) ?? { enabled: true, comment: '' };
    return keyed({ ...parsed(value), enabled, ...(comment ? { comment } : {}) });
  });
  return { entries, ...buildList(entries, accessFormat, hash) };
};

const parsed = (value: string): Pick<AccessEntry, 'value' | 'kind'> => {
  const entry = parseEntry(value);
  if (!entry.ok) throw new TypeError(value);
  return { value: entry.value, kind: entry.kind };
};

const assertSame = (model: Model, stored: Stored): void => {
  const whole = scratch(model);
  expect(stored.root).toBe(whole.root);
  expect(stored.manifest).toEqual(whole.manifest);
};

type Command = fc.Command<Model, Stored>;

const command = (name: string, run: (model: Model, stored: Stored) => void): Command => ({
  check: () => true,
  run(model, stored) {
    run(model, stored);
    assertSame(model, stored);
    stored.history.push({ manifest: stored.manifest, root: stored.root, model: new Map(model) });
  },
  toString: () => name,
});

const put = (model: Model, { value, enabled, comment }: Omit<Asked, 'pointer'>): void => {
  const before = model.get(value);
  model.set(value, {
    enabled: enabled ?? before?.enabled ?? true,
    comment: comment ?? before?.comment ?? '',
  });
};

const index = fc.nat(40_000);
const attributes = fc.record({
  enabled: fc.option(fc.boolean(), { nil: undefined }),
  comment: fc.option(fc.constantFrom('', 'Lyon', '=1', "'x", 'a "b", c'), { nil: undefined }),
});

const adding = fc.array(fc.tuple(index, attributes), { minLength: 1, maxLength: 20 }).map((given) =>
  command(`add ${given.length}`, (model, stored) => {
    const asked = given.map(([at, more]) => ({ pointer: '', value: nth(at), ...more }));
    stored.edit(judgeEdit(asked).changes);
    const last = new Map(asked.map((one) => [one.value, one]));
    for (const one of last.values()) put(model, one);
  }),
);

const removing = fc.tuple(fc.nat(), fc.integer({ min: 1, max: 3000 }), index).map(([at, count, absent]) =>
  command(`remove ${count}`, (model, stored) => {
    const there = [...model.keys()];
    const from = there.length === 0 ? 0 : at % there.length;
    const values = [...there.slice(from, from + count), nth(absent)];
    stored.edit(judgeEdit(values.map((value) => ({ pointer: '', value, gone: true }))).changes);
    for (const value of values) model.delete(value);
  }),
);

const patching = fc.tuple(fc.nat(), fc.option(index, { nil: undefined }), attributes).map(([at, to, more]) =>
  command('patch', (model, stored) => {
    const value = [...model.keys()][at % Math.max(1, model.size)];
    const target = to === undefined ? undefined : nth(to);
    if (value === undefined || (target !== undefined && target !== value && model.has(target))) return;
    const entry = stored.find(value);
    expect(entry).toMatchObject({ value, enabled: model.get(value)?.enabled });
    stored.edit(judgePatch(entry as AccessEntry, { value: target, ...more }).changes);
    const before = model.get(value);
    model.delete(value);
    put(model, {
      value: target ?? value,
      enabled: more.enabled ?? before?.enabled,
      comment: more.comment ?? before?.comment,
    });
  }),
);

const clearing = fc.constant(
  command('clear', (model, stored) => {
    stored.take(buildList([], accessFormat, hash));
    model.clear();
  }),
);

const restoring = fc.nat().map((at) =>
  command('restore', (model, stored) => {
    const earlier = stored.history[at % Math.max(1, stored.history.length)];
    if (!earlier) return;
    stored.restore(earlier);
    model.clear();
    for (const [value, said] of earlier.model) model.set(value, said);
  }),
);

const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;

const importing = fc
  .tuple(
    fc.constantFrom<ImportMode>('merge', 'replace', 'remove'),
    fc.boolean(),
    index,
    fc.integer({ min: 1, max: 4000 }),
    fc.constantFrom(1, 2, 7),
    attributes,
  )
  .map(([mode, csv, from, count, step, more]) =>
    command(`import ${mode} ${csv ? 'csv' : 'txt'} ${count}`, (model, stored) => {
      const values = Array.from({ length: count }, (_, at) => nth((from + at * step) % 40_000));
      const set = {
        enabled: more.enabled ?? true,
        comment: (more.comment ?? '').replace(/^[='].*/, 'plain'),
      };
      const rows = values.map((value) => `${value},${set.enabled},${quoted(set.comment)}`);
      const file = csv ? `address,enabled,comment\r\n${rows.join('\r\n')}` : values.join(' ');
      const reader = readImportFile({ refuseOpenRelay: false, reportShared: false, maxEntries: 100_000 });
      reader.push(Buffer.from(file));
      stored.take(
        buildList(mergeEntries(stored.keyed(), reader.end().changes, mode).entries, accessFormat, hash),
      );
      const given = new Set(values);
      if (mode === 'replace')
        for (const value of [...model.keys()]) if (!given.has(value)) model.delete(value);
      for (const value of given) {
        if (mode === 'remove') model.delete(value);
        else put(model, { value, ...(csv ? set : {}) });
      }
    }),
  );

const commands = fc.commands(
  [
    importing,
    adding,
    removing,
    patching,
    adding,
    removing,
    patching,
    clearing,
    restoring,
  ] as fc.Arbitrary<Command>[],
  { maxCommands: 20 },
);

describe('a list', () => {
  it('after any edits and imports is the list of the same entries built from scratch, to the root', () => {
    fc.assert(
      fc.property(fc.boolean(), commands, (large, list) => {
        fc.modelRun(() => {
          const [model, real] = [new Map() as Model, new Stored()];
          if (large) {
            const values = Array.from({ length: 12_000 }, (_, at) => nth(at * 3));
            for (const value of values) put(model, { value });
            real.take(buildList(scratch(model).entries, accessFormat, hash));
          }
          return { model, real };
        }, list);
      }),
      { numRuns: 15 },
    );
  });
});
