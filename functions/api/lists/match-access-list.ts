import type { Configuration } from '../../../shared/domain/configuration.ts';
import {
  askList,
  judgeClient,
  type MatchClient,
  type MatchVerdict,
  settingsVerdict,
} from '../../../shared/domain/match.ts';
import { errors, hasCode } from '../../../shared/errors.ts';
import { matchAccessList as operation } from '../../../shared/operations/match-access-list.ts';
import type { AccessListName } from '../../../shared/schemas/lists.ts';
import { httpStack, invalid } from '../../lib/http.ts';
import { readRevision } from '../../stores/heads.ts';
import { readManifest, readSlices, readValues } from '../../stores/lists.ts';
import { readState, type ScannerState } from '../../stores/status.ts';

/** What the settings and the list of one revision say of a client. */
const verdictOf = async (
  { smtp, lists }: Configuration,
  list: AccessListName,
  client: MatchClient,
): Promise<MatchVerdict> => {
  const decided = settingsVerdict(smtp, list);
  if (decided) return decided;
  const manifest = await readManifest(lists[list].root);
  return askList(client, {
    manifest,
    entriesOf: async (wanted) => (await readValues(manifest, wanted)).values(),
    chunk: (sha256) => readSlices([{ sha256, from: 0, to: Number.POSITIVE_INFINITY }]),
  });
};

/** A verdict with its reason in words. */
const worded = (verdict: MatchVerdict) => ({ ...verdict, message: `${errors[verdict.reason].title}.` });

/** The configuration that the Scanner reported; null where it is no longer kept. */
const appliedConfiguration = async (
  { head }: ScannerState,
  revision: number,
): Promise<Configuration | null> => {
  if (revision === head.revision) return head.configuration;
  try {
    return (await readRevision(head.scannerId, revision)).configuration;
  } catch (error) {
    if (!hasCode(error, 'NOT_FOUND')) throw error;
    return null;
  }
};

const gone: MatchVerdict = { accepted: null, reason: 'REVISION_GONE', entries: [] };

const appliedOf = async (state: ScannerState, list: AccessListName, client: MatchClient) => {
  const revision = state.report?.appliedRevision ?? null;
  if (revision === null) return null;
  const configuration = await appliedConfiguration(state, revision);
  return { revision, ...worded(configuration ? await verdictOf(configuration, list, client) : gone) };
};

export const matchAccessList = httpStack(operation, async ({ params, query }) => {
  const { client, problems } = judgeClient(query.client, query.name);
  if (problems.length > 0) throw invalid(problems);
  const state = await readState(params.scannerId);
  const [desired, applied] = await Promise.all([
    verdictOf(state.head.configuration, params.list, client),
    appliedOf(state, params.list, client),
  ]);
  const name = client.name === null ? {} : { name: client.name };
  return { status: 200, body: { client: client.address, ...name, desired: worded(desired), applied } };
});
