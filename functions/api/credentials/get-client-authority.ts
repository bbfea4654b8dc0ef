import { getClientAuthority as operation } from '../../../shared/operations/get-client-authority.ts';
import { httpStack } from '../../lib/http.ts';
import { readClientAuthority } from '../../stores/client-authorities.ts';
import { authorityDocument } from './client-authorities.ts';

export const getClientAuthority = httpStack(operation, async ({ params, now }) => {
  const body = authorityDocument(await readClientAuthority(params.clientAuthorityId), now);
  return { status: 200, body, headers: { etag: `"${body.version}"` } };
});
