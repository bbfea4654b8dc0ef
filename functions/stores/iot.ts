import { IoTDataPlaneClient } from '@aws-sdk/client-iot-data-plane';
import { patience } from './faults.ts';

/** The data plane: shadows and messages. */
export const iotData = new IoTDataPlaneClient(patience);
