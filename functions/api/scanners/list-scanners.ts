import { isAskedFor, type StandingFilter, standingOf } from '../../../shared/domain/standing.ts';
import { labelsOf, listScanners as operation } from '../../../shared/operations/list-scanners.ts';
import { type Answer, type Call, httpStack } from '../../lib/http.ts';
import { listScanners as store } from '../../stores/scanners.ts';
import { findStandings } from '../../stores/standing.ts';
import { readStates } from '../../stores/status.ts';
import { scannerAnswer } from './answer.ts';

type Query = Call<typeof operation>['query'];

const filterOf = ({ cursor: _, limit: __, label, ...asked }: Query): StandingFilter | null =>
  label === undefined && Object.values(asked).every((value) => value === undefined)
    ? null
    : { ...asked, labels: labelsOf(label) };

/** The index finds them, and the table has the last word: what has changed since is left out, so a page may be short. */
const filtered = async (query: Query, filter: StandingFilter): Promise<Answer> => {
  const { items, ...page } = await findStandings((standing) => isAskedFor(standing, filter), query);
  const states = await readStates(items.map(({ scannerId }) => scannerId));
  const asked = states.filter((state) => isAskedFor(standingOf(state), filter));
  return { status: 200, body: { ...page, items: asked.map(scannerAnswer) } };
};

export const listScanners = httpStack(operation, async ({ query }) => {
  const filter = filterOf(query);
  if (filter) return filtered(query, filter);
  const page = await store(query);
  const states = await readStates(page.items.map((item) => item.scannerId));
  return { status: 200, body: { ...page, items: states.map(scannerAnswer) } };
});
