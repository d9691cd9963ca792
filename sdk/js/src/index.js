// What a plugin is written with. The types and their documentation stand in index.d.ts.

export { tool, resource, resourceTemplate, prompt, filter } from './declarations.js';
export { Content, text, image, audio, link, embedded } from './content.js';
export { ToolError, CallError, StoreError } from './errors.js';
export { log, progress, cancelled, config, callTool, elicit, sample, listRoots } from './host.js';
export { store } from './store.js';
