// The gateway.
export { log, progress, cancelled, config, callTool, elicit, sample, listRoots } from 'gateway:plugin/host@0.1.0';
