import { fleetSummary } from '../schemas/fleet.ts';
import { defineOperation } from './define.ts';

export const getFleet = defineOperation({
  id: 'get-fleet',
  method: 'GET',
  path: '/v1/fleet',
  resource: 'scanners',
  scope: 'scanners/read',
  summary: 'How the whole fleet is: Scanners by state, condition, revision lag and software',
  description:
    'Read from an index, so what happened within the last second or so may be missing. `GET /v1/scanners` with a filter says which Scanners they are, and `GET …/sync` of one is exact.',
  returns: { 200: fleetSummary },
  errors: [],
});
