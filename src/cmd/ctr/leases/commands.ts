import createLease from './create.ts';
import deleteLease from './delete.ts';
import listLeases from './list.ts';
import whyLease from './why.ts';

export default [listLeases, createLease, deleteLease, whyLease];
