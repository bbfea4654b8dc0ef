import { resourceHandler } from '../lib/http.ts';
import { getSmtp } from './settings/get-smtp.ts';
import { patchSmtp } from './settings/patch-smtp.ts';
import { putSmtp } from './settings/put-smtp.ts';

export const handler = resourceHandler([getSmtp, patchSmtp, putSmtp]);
