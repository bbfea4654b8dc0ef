import { it } from 'vitest';
import { remoteAccess, whyNot } from './remote.ts';
import { s3Contract } from './s3.contract.ts';

if (whyNot === undefined) s3Contract({ name: 'a real bucket keeps the contract', make: remoteAccess });
else
  it('a real bucket keeps the contract', (context) => {
    console.info(`skipped: ${whyNot}`);
    context.skip(whyNot);
  });
