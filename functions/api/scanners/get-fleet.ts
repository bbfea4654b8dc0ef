import { fleetSums } from '../../../shared/domain/fleet.ts';
import { getFleet as operation } from '../../../shared/operations/get-fleet.ts';
import { httpStack } from '../../lib/http.ts';
import { pagesOf } from '../../lib/pages.ts';
import { listStandings } from '../../stores/standing.ts';

const pageSize = 1000;

export const getFleet = httpStack(operation, async ({ now }) => {
  const sums = fleetSums();
  for await (const standings of pagesOf(listStandings, pageSize))
    for (const standing of standings) sums.add(standing);
  return { status: 200, body: sums.summary(now.toISOString()) };
});
