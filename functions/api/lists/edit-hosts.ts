import type { Head } from '../../../shared/domain/configuration.ts';
import { hostVerdict, isTaken, judgeHost, sortHosts, withHosts } from '../../../shared/domain/hosts.ts';
import { AppError, type Warning } from '../../../shared/errors.ts';
import type { Host, HostInput } from '../../../shared/schemas/hosts.ts';
import type { HostListName } from '../../../shared/schemas/lists.ts';
import { type Answer, invalid } from '../../lib/http.ts';
import type { Change } from '../../stores/heads.ts';
import { buildHosts, readHosts, readManifest, writeList } from '../../stores/lists.ts';
import { type WriteCall, writeConfiguration } from '../write.ts';

export interface HostCall extends WriteCall {
  params: { scannerId: string; list: HostListName };
}

/** The hosts after an edit, and the one it is about; none for one that is removed. */
export interface EditedHosts {
  hosts: Host[];
  host?: Host;
}

interface Result {
  host?: Host;
  warnings: Warning[];
}

const auditOf = ({ host }: EditedHosts) => (host ? { values: [`${host.host}:${host.port}`] } : {});

const computeEdit = async (
  { params }: HostCall,
  head: Head,
  edit: (hosts: Host[]) => EditedHosts,
): Promise<Change<Result>> => {
  const { configuration } = head;
  const manifest = await readManifest(configuration.lists[params.list].root);
  const edited = edit(await readHosts(manifest));
  const built = buildHosts(sortHosts(edited.hosts));
  const { entries, enabled } = built.manifest;
  const next = withHosts(configuration, params.list, { root: built.root, entries, enabled });
  const { problems, warnings } = next.smtp
    ? hostVerdict(next.smtp, next.lists)
    : { problems: [], warnings: [] };
  const [refusal] = problems;
  if (refusal) throw new AppError(refusal.code, refusal.message);
  return {
    configuration: next,
    prepare: () => writeList(built, manifest),
    audit: auditOf(edited),
    result: { ...(edited.host ? { host: edited.host } : {}), warnings },
  };
};

/** Makes one revision of an edit of a host list. */
export const editHosts = (
  call: HostCall,
  operation: string,
  edit: (hosts: Host[]) => EditedHosts,
): Promise<Answer> =>
  writeConfiguration<Result>(call, {
    operation,
    part: `lists.${call.params.list}`,
    compute: (head) => computeEdit(call, head, edit),
    body: (head, result) => ({ ...result, revision: head.revision }),
  });

/** A host that has passed every rule of its own, canonical. */
export const validHost = (given: HostInput): HostInput => {
  const { problems, host } = judgeHost(given);
  if (problems.length > 0) throw invalid(problems);
  return host;
};

export const assertFree = (hosts: readonly Host[], wanted: HostInput, but?: string): void => {
  if (isTaken(hosts, wanted, but))
    throw new AppError('HOST_EXISTS', `${wanted.host}:${wanted.port} is in the list already.`);
};

/** The host that a path names. NOT_FOUND where the list has none with this id. */
export const hostOf = (hosts: readonly Host[], hostId: string): Host => {
  const found = hosts.find((host) => host.hostId === hostId);
  if (!found) throw new AppError('NOT_FOUND', `The list has no host ${hostId}.`);
  return found;
};
