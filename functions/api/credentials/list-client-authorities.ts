import { listClientAuthorities as operation } from '../../../shared/operations/list-client-authorities.ts';
import { httpStack } from '../../lib/http.ts';
import { listClientAuthorities as store } from '../../stores/client-authorities.ts';
import { authorityDocument } from './client-authorities.ts';

export const listClientAuthorities = httpStack(operation, async ({ query, now }) => {
  const page = await store(query);
  return { status: 200, body: { ...page, items: page.items.map((one) => authorityDocument(one, now)) } };
});
