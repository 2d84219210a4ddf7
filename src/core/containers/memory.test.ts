import { subjectOf } from '#core/subject';
import { containerStoreSuite } from './containers.suite.ts';
import { memoryContainers } from './memory.ts';

containerStoreSuite('in memory', () => subjectOf(memoryContainers()));
