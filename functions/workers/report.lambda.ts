import { following } from '../lib/followed.ts';
import { observed } from '../lib/observed.ts';
import { type ReportEvent, takeReport } from './take-report.ts';

/** A Scanner has reported. */
export const handler = observed((event: ReportEvent) =>
  following({ scannerId: event.scannerId }, () => takeReport(event)),
);
