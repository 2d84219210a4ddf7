import { subjectOf } from '#core/subject';
import { memoryNamespaces } from './memory.ts';
import { namespaceStoreSuite } from './namespaces.suite.ts';

namespaceStoreSuite('in memory', () => subjectOf(memoryNamespaces()));
