import { App } from 'aws-cdk-lib';
import { ControlPlaneStack } from './control-plane-stack.ts';

const app = new App();
new ControlPlaneStack(app, 'ScannerControlPlane', {
  description: 'Control plane of mail Scanners: settings, access lists, and what each Scanner runs',
});
