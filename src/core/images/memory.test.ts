import { subjectOf } from '#core/subject';
import { imageStoreSuite } from './images.suite.ts';
import { memoryImages } from './memory.ts';

imageStoreSuite('in memory', () => subjectOf(memoryImages()));
