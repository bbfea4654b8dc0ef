import { refreshStanding } from '../stores/standing.ts';
import { findState } from '../stores/status.ts';
import { storeReported } from './store-reported.ts';

/** What the topic rule selects: a key. What was reported is read from the shadow itself. */
interface ReportEvent {
  scannerId: string;
  shadow: string;
}

/** A Scanner has reported. */
export const handler = async ({ scannerId, shadow }: ReportEvent): Promise<void> => {
  const state = await findState(scannerId);
  if (!state) return;
  await storeReported(state, shadow);
  await refreshStanding(scannerId);
};
