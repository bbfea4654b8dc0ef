import { shadowDifference } from '../shared/domain/shadow-difference.ts';
import {
  type ReportStatus,
  reportLengths,
  type SmtpDesired,
  type SmtpReported,
} from '../shared/messages/shadow.ts';

const clipped = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, length - 1)}…`;

/** `reported` of the shadow `smtp`: exactly what is applied, and what is to say of the last attempt. */
export const reportedOf = (applied: SmtpDesired | null, status: ReportStatus): SmtpReported => ({
  ...applied,
  status: {
    revision: status.revision,
    code: status.code,
    ...(status.message === undefined ? {} : { message: clipped(status.message, reportLengths.message) }),
    ...(status.pointer === undefined ? {} : { pointer: clipped(status.pointer, reportLengths.pointer) }),
    at: status.at,
  },
});

const isTimeAlone = (change: Record<string, unknown>): boolean => {
  const status = change['status'];
  return (
    Object.keys(change).join() === 'status' &&
    typeof status === 'object' &&
    status !== null &&
    Object.keys(status).join() === 'at'
  );
};

/**
 * The update that turns what the shadow holds into what is to be reported, null for what has gone. Undefined when the shadow
 * says it already, though at another time: a Scanner that restarts or tries again does not repeat itself.
 */
export const reportChange = (
  held: Record<string, unknown>,
  wanted: SmtpReported,
): Record<string, unknown> | undefined => {
  const change = shadowDifference(held, { ...wanted });
  return change && !isTimeAlone(change) ? change : undefined;
};
