import { IoTDataPlaneClient } from '@aws-sdk/client-iot-data-plane';

/** The data plane: shadows and messages. */
export const iotData = new IoTDataPlaneClient({});
