import type { Timestamp } from '#base/timestamp';
import type { Labels } from '#core/labels';

export const writeLabels = (labels: Labels): string => JSON.stringify(labels);

/** Most objects have none: those share one object and cost no parsing. */
export const readLabels = (text: string): Labels => (text === '{}' ? none : (JSON.parse(text) as Labels));

const none: Labels = Object.freeze({});

export const readTime = (seconds: number, nanos: number): Timestamp => ({ seconds, nanos });
