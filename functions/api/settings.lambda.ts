import { resourceHandler } from '../lib/http.ts';
import { getSmtp } from './settings/get-smtp.ts';
import { getSmtpAdvanced } from './settings/get-smtp-advanced.ts';
import { patchSmtp } from './settings/patch-smtp.ts';
import { patchSmtpAdvanced } from './settings/patch-smtp-advanced.ts';
import { putSmtp } from './settings/put-smtp.ts';
import { putSmtpAdvanced } from './settings/put-smtp-advanced.ts';

export const handler = resourceHandler([
  getSmtp,
  getSmtpAdvanced,
  patchSmtp,
  patchSmtpAdvanced,
  putSmtp,
  putSmtpAdvanced,
]);
