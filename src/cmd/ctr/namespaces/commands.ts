import createNamespace from './create.ts';
import labelNamespace from './label.ts';
import listNamespaces from './list.ts';
import removeNamespace from './remove.ts';

export default [createNamespace, listNamespaces, removeNamespace, labelNamespace];
