import { directorySourceProblems } from '../../../shared/domain/directory-sources.ts';
import { putDirectorySource as operation } from '../../../shared/operations/put-directory-source.ts';
import { httpStack } from '../../lib/http.ts';
import { changeCollection } from '../../stores/collections.ts';
import { directorySources, type SourceMember, shownSource } from '../../stores/directory-sources.ts';
import { askedBy, versioned } from './certificates.ts';
import { replaceSource } from './directory-sources.ts';

export const putDirectorySource = httpStack(
  operation,
  async (call) => {
    const { params, body, ifMatch, now } = call;
    const how = { id: params.directorySourceId, ifMatch, now };
    const { after } = await changeCollection(directorySources, askedBy(call, operation.id), (members) =>
      replaceSource(members, body, how),
    );
    return versioned(200, shownSource(after as SourceMember), call);
  },
  directorySourceProblems,
);
