import { domainBindingsText } from '../../shared/domain/artifacts.ts';
import type { Head } from '../../shared/domain/configuration.ts';
import type { ChunkKind } from '../../shared/domain/fsck.ts';
import type { StoredJob } from '../../shared/domain/import-job.ts';
import type { ChunkReference, Hash } from '../../shared/domain/lists/chunks.ts';
import { defaultAdvanced } from '../../shared/schemas/advanced.ts';
import { isHostListName, type ListName, type ListReference } from '../../shared/schemas/lists.ts';

/** Who names an object is told by the first three. */
const toldOf = 3;

/** A list as configurations name it. */
export interface NamedRoot {
  root: string;
  namedBy: string[];
  kinds: Set<ChunkKind>;
  /** What they say of it: one, or more that contradict each other. */
  references: Map<string, ListReference>;
}

/** A chunk as manifests name it. */
export interface NamedChunk {
  reference: ChunkReference;
  namedBy: string[];
  kinds: Set<ChunkKind>;
}

/** Bindings of domains as advanced settings name them, and the text that follows from these. */
export interface NamedBindings {
  digest: string;
  namedBy: string[];
  text: string;
}

/** Items of one Scanner. */
export interface Items {
  heads: Head[];
  revisions: Head[];
}

/** Everything that the table says, by what it is about. */
export interface Table {
  scanners: Map<string, Items>;
  roots: Map<string, NamedRoot>;
  bindings: Map<string, NamedBindings>;
  lost: StoredJob[];
}

export const tell = (told: string[], who: string): void => {
  if (told.length < toldOf) told.push(who);
};

const nameRoot = (roots: Table['roots'], who: string, list: ListName, reference: ListReference): void => {
  const { root } = reference;
  const named = roots.get(root) ?? { root, namedBy: [], kinds: new Set(), references: new Map() };
  tell(named.namedBy, `${who} ${list}`);
  named.kinds.add(isHostListName(list) ? 'hosts' : 'access');
  named.references.set(`${reference.entries} ${reference.enabled}`, reference);
  roots.set(root, named);
};

/** Adds an item to what is known: its lists are named by it. */
export const addItem = ({ scanners, roots }: Table, kind: keyof Items, head: Head): void => {
  const items = scanners.get(head.scannerId) ?? { heads: [], revisions: [] };
  items[kind].push(head);
  scanners.set(head.scannerId, items);
  for (const [list, reference] of Object.entries(head.configuration.lists))
    nameRoot(roots, `${head.scannerId} revision ${head.revision}`, list as ListName, reference);
};

/** Adds the bindings of domains that an item names. */
export const addBindings = (
  { bindings }: Table,
  { scannerId, revision, configuration }: Head,
  hash: Hash,
): void => {
  const text = domainBindingsText(configuration.advanced ?? defaultAdvanced());
  if (text === null) return;
  const digest = hash(text);
  const named = bindings.get(digest) ?? { digest, namedBy: [], text };
  tell(named.namedBy, `${scannerId} revision ${revision}`);
  bindings.set(digest, named);
};

/** Adds the chunks of a manifest to those that are named. */
export const addChunks = (
  chunks: Map<string, NamedChunk>,
  { root, kinds }: NamedRoot,
  references: readonly ChunkReference[],
): void => {
  for (const reference of references) {
    const named = chunks.get(reference.sha256) ?? { reference, namedBy: [], kinds: new Set() };
    tell(named.namedBy, `list ${root}`);
    for (const kind of kinds) named.kinds.add(kind);
    chunks.set(reference.sha256, named);
  }
};
