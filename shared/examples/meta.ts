import type { Examples } from './define.ts';

export const metaExamples = {
  'get-health': { returns: { 200: { status: 'ok' } } },
  'get-openapi': {
    returns: {
      200: { openapi: '3.1.0', info: { title: 'Scanner control plane', version: '1' }, paths: {} },
    },
  },
} satisfies Partial<Examples>;
