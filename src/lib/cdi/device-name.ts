import { invalidArgument } from '#base/errors';

/** A device as users name it: `vendor.com/class=name`. */
export interface DeviceName {
  readonly vendor: string;
  readonly class: string;
  readonly name: string;
}

const vendorPattern = /^[A-Za-z](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?$/;
const namePattern = /^[A-Za-z0-9](?:[A-Za-z0-9_.:-]*[A-Za-z0-9])?$/;

export const isKindPart = (text: string): boolean => vendorPattern.test(text);
export const isDeviceName = (text: string): boolean => namePattern.test(text);

/** Whether a device is meant that specifications describe, and no path. */
export const isQualifiedName = (text: string): boolean => nameIn(text) !== undefined;

/** @throws invalid_argument */
export function parseDeviceName(text: string): DeviceName {
  const name = nameIn(text);
  if (name === undefined)
    throw invalidArgument(`device ${JSON.stringify(text.slice(0, 256))}: wanted vendor/class=name`);
  return name;
}

export const formatDeviceName = ({ vendor, class: kind, name }: DeviceName): string => `${vendor}/${kind}=${name}`;

function nameIn(text: string): DeviceName | undefined {
  const [, vendor = '', kind = '', name = ''] = /^([^/=]+)\/([^/=]+)=([^/=]+)$/.exec(text) ?? [];
  return isKindPart(vendor) && isKindPart(kind) && isDeviceName(name) ? { vendor, class: kind, name } : undefined;
}

const annotationPrefix = 'cdi.k8s.io/';

/** The devices that a container's annotations ask for (`cdi.k8s.io/…: vendor/class=a,vendor/class=b`). @throws invalid_argument */
export function devicesInAnnotations(annotations: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(annotations)
    .filter(([key]) => key.startsWith(annotationPrefix))
    .flatMap(([key, value]) =>
      value.split(',').map((text) => {
        if (isQualifiedName(text)) return text;
        throw invalidArgument(`annotation ${key}: ${JSON.stringify(text.slice(0, 256))}: wanted vendor/class=name`);
      }),
    );
}
