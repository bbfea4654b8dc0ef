import { type ReportEvent, takeReport } from './take-report.ts';

/** A Scanner has reported. */
export const handler = (event: ReportEvent): Promise<void> => takeReport(event);
