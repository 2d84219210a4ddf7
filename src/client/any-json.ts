import type { Any } from '#base/any';
import { decodeSpec, encodeProcess, encodeSpec } from '#lib/oci/spec/encode-spec';
import { type Process, processTypeUrl, type Spec, specTypeUrl } from '#lib/oci/spec/spec';

/** Payloads that are JSON on the wire, under the names that containerd's clients give them. */
export const packSpec = (spec: Spec): Any => ({ typeUrl: specTypeUrl, value: encodeSpec(spec) });
export const packProcess = (process: Process): Any => ({ typeUrl: processTypeUrl, value: encodeProcess(process) });

/** @throws invalid_argument for what is no spec */
export const unpackSpec = ({ value }: Any): Spec => decodeSpec(value);
