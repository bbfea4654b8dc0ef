import { listCertificates as operation } from '../../../shared/operations/list-certificates.ts';
import { httpStack } from '../../lib/http.ts';
import { listCertificates as store } from '../../stores/certificates.ts';
import { listedDocument } from './certificates.ts';

export const listCertificates = httpStack(operation, async ({ query, now }) => {
  const page = await store(query);
  return { status: 200, body: { ...page, items: page.items.map((record) => listedDocument(record, now)) } };
});
