import { subjectOf } from '#core/subject';
import { memorySandboxes } from './memory.ts';
import { sandboxStoreSuite } from './sandboxes.suite.ts';

sandboxStoreSuite('in memory', () => subjectOf(memorySandboxes()));
