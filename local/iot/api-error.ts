/** An error answer of one of the HTTP interfaces, under the name that the SDK knows it by. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly code: string;
  readonly data: Readonly<Record<string, unknown>>;

  constructor(status: number, code: string, message: string, data: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.data = data;
  }
}

export const invalidRequest = (message: string): ApiError =>
  new ApiError(400, 'InvalidRequestException', message);

export const resourceNotFound = (message: string): ApiError =>
  new ApiError(404, 'ResourceNotFoundException', message);

export const deleteConflict = (message: string): ApiError =>
  new ApiError(409, 'DeleteConflictException', message);

export const alreadyExists = (what: string, id: string, arn: string): ApiError =>
  new ApiError(409, 'ResourceAlreadyExistsException', `${what} exists with another configuration`, {
    resourceId: id,
    resourceArn: arn,
  });

/** As the control plane refuses whom no policy allows it. */
export const accessDenied = (message: string): ApiError =>
  new ApiError(403, 'AccessDeniedException', message);

/** As the data plane does, which says no more. */
export const forbidden = (): ApiError => new ApiError(403, 'ForbiddenException', 'Forbidden');

/** For what the real service does and the embedded one does not. */
export const notImplemented = (message: string): ApiError =>
  new ApiError(501, 'NotImplementedException', `The embedded stack does not do this: ${message}`);
