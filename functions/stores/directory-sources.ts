import { directorySourcesArtifact } from '../../shared/domain/artifacts.ts';
import type { Json } from '../../shared/domain/canonical-json.ts';
import {
  authenticates,
  directorySourceWarnings,
  publicSource,
  type StoredSource,
} from '../../shared/domain/directory-sources.ts';
import type { DirectorySource } from '../../shared/schemas/directory-sources.ts';
import { type Collection, listMembers, readMember } from './collections.ts';

export interface SourceMember extends StoredSource {
  id: string;
}

/** A source as it is answered: without its password. */
export const shownSource = ({ id: _, ...source }: SourceMember): DirectorySource => ({
  ...publicSource(source),
  warnings: directorySourceWarnings(source),
});

/** What a Scanner needs to ask a source: not when it was changed. */
const fetched = ({
  id: _,
  createdAt: __,
  updatedAt: ___,
  passwordChangedAt: ____,
  version: _____,
  ...source
}: SourceMember) => source;

/**
 * Scanners fetch the sources that authenticate users, with their passwords, and no other: passwords that no Scanner needs stay in the
 * vault, and an edit of a source without that function makes no Scanner a revision.
 */
export const directorySources: Collection<SourceMember> = {
  artifact: directorySourcesArtifact,
  inUse: 'DIRECTORY_SOURCE_IN_USE',
  isUsed: authenticates,
  shown: shownSource,
  recorded: ({ id: _, ...source }) => publicSource(source),
  content: (used) => ({ sources: used.map(fetched) as unknown as Json }),
};

export const readDirectorySource = (id: string) => readMember<DirectorySource>(directorySourcesArtifact, id);

export const listDirectorySources = (page: { limit: number; cursor?: string | undefined }) =>
  listMembers<DirectorySource>(directorySourcesArtifact, page);
