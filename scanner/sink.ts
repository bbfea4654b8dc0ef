import type { Desired } from '../shared/domain/desired.ts';
import type { ListName } from '../shared/schemas/lists.ts';
import type { Refusal } from './refusal.ts';

/** A configuration that can never work here; the next revision may. Anything else that is thrown is tried again. */
export class ConfigurationRefused extends Error {
  override readonly name = 'ConfigurationRefused';
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.message);
    this.refusal = refusal;
  }
}

/** What a list lets in: its enabled entries, one a line, in pieces; or the very same as in the configuration that is applied. */
export type ListContent = AsyncIterable<string> | 'as-applied';

/** The text of an artifact, JSON, whose sha-256 is its digest; or the very same as in the configuration that is applied. */
export type ArtifactContent = { readonly text: string } | 'as-applied';

/** What a configuration names by a hash: exactly the lists and artifacts that it names. Artifacts may be secret. */
export interface Contents {
  lists: ReadonlyMap<ListName, ListContent>;
  artifacts: ReadonlyMap<string, ArtifactContent>;
}

/** The configurations a sink holds. */
export interface Held {
  /** The one in force; null when there is none, or when what is there is not what was applied. */
  current: Desired | null;
  /** The one before it, kept as the last good. */
  previous: Desired | null;
}

/** Where a configuration goes: the seam at which a real MTA comes in. One call at a time. */
export interface Sink {
  /** Looks at what is truly there, and verifies it. */
  held(): Promise<Held>;
  /**
   * Puts a configuration in force, settings, advanced settings, lists and artifacts, all of it or nothing: whenever the process dies, the
   * old or the new is in force. When it throws, the old one is.
   * Answers what is worth saying of how it was done, in words, if anything is.
   * @throws ConfigurationRefused when it can never work.
   */
  apply(desired: Desired, contents: Contents): Promise<string | undefined>;
}
