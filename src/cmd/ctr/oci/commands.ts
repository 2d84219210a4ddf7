import defaultSpec from './spec.ts';

export default [defaultSpec];
