import { putClientAuthority as operation } from '../../../shared/operations/put-client-authority.ts';
import { httpStack } from '../../lib/http.ts';
import { clientAuthorities } from '../../stores/client-authorities.ts';
import { changeCollection } from '../../stores/collections.ts';
import { askedBy, versioned } from './certificates.ts';
import { authorityRules, memberDocument, replaceAuthority } from './client-authorities.ts';

export const putClientAuthority = httpStack(
  operation,
  async (call) => {
    const { params, body, ifMatch, now } = call;
    const how = { id: params.clientAuthorityId, ifMatch, now };
    const { after } = await changeCollection(clientAuthorities, askedBy(call, operation.id), (members) =>
      replaceAuthority(members, body, how),
    );
    return versioned(200, memberDocument(after, now), call);
  },
  authorityRules,
);
