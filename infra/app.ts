import { App } from 'aws-cdk-lib';
import { contextSettings, readConfig } from './config.ts';
import { ControlPlaneStack } from './control-plane-stack.ts';

const app = new App();
const config = readConfig(...contextSettings((name) => app.node.tryGetContext(name) as unknown));
const { name, region, account } = config;
new ControlPlaneStack(app, name, {
  config,
  ...(region === undefined && account === undefined
    ? {}
    : { env: { ...(region ? { region } : {}), ...(account ? { account } : {}) } }),
  description: 'Control plane of mail Scanners: settings, access lists, and what each Scanner runs',
});
