import { resourceHandler } from '../lib/http.ts';
import { getSmtp } from './settings/get-smtp.ts';
import { putSmtp } from './settings/put-smtp.ts';

export const handler = resourceHandler([getSmtp, putSmtp]);
