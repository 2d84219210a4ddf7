import { subjectOf } from '#core/subject';
import { sandboxControllerSuite } from './controller.suite.ts';
import { memorySandboxController } from './memory-controller.ts';

sandboxControllerSuite('in memory', () => subjectOf(memorySandboxController()));
