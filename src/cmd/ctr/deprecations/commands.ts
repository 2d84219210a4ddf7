import listDeprecations from './list.ts';

export default [listDeprecations];
