import { subjectOf } from '#core/subject';
import { contentStoreSuite } from './content.suite.ts';
import { memoryContent } from './memory.ts';

contentStoreSuite('in memory', () => subjectOf(memoryContent()), { namespaced: true, labels: true });
