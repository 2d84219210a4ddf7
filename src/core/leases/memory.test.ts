import { subjectOf } from '#core/subject';
import { leaseStoreSuite } from './leases.suite.ts';
import { memoryLeases } from './memory.ts';

leaseStoreSuite('in memory', () => subjectOf(memoryLeases()));
