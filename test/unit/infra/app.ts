import { rmSync } from 'node:fs';
import { App } from 'aws-cdk-lib';
import { afterAll } from 'vitest';
import * as local from '../../../local/synthesize.ts';

const folders: string[] = [];

const going = (app: App): App => {
  folders.push(app.outdir);
  return app;
};

/** An app of the control plane. The folder that CDK writes it to goes with the file's tests, as that of every app made here. */
export const controlPlaneApp: typeof local.controlPlaneApp = (settings) => {
  const made = local.controlPlaneApp(settings);
  going(made.app);
  return made;
};

/** An app without anything, that bundles nothing. */
export const emptyApp = (): App => going(new App({ context: { 'aws:cdk:bundling-stacks': [] } }));

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
