import * as z from 'zod/mini';
import { scannerId } from '../schemas/common.ts';
import { accessListName, importOptions, importUpload } from '../schemas/lists.ts';
import { defineOperation } from './define.ts';

export const createImport = defineOperation({
  id: 'create-import',
  method: 'POST',
  path: '/v1/scanners/{scannerId}/access-lists/{list}/imports',
  resource: 'imports',
  scope: 'scanners/write',
  summary: 'Begin an import: answers where to upload the file',
  description: 'The upload is a multipart form: the fields as given, then the file as the field `file`.',
  params: z.strictObject({ scannerId, list: accessListName }),
  body: importOptions,
  idempotencyKey: true,
  returns: { 202: importUpload },
  errors: ['NOT_FOUND', 'LIST_NOT_ACTIVE'],
});
