// @ts-nocheck
// Generated from etcd.proto by `npm run wire`; do not edit.
import $protobuf from 'protobufjs/minimal.js';

const $Reader = $protobuf.Reader, $Writer = $protobuf.Writer, $util = $protobuf.util;

const $root = $protobuf.roots["leasehold-etcd"] || ($protobuf.roots["leasehold-etcd"] = {});

/** Encodes and decodes one kind of message. */
export interface Codec {
    encode(message: object): { finish(): Uint8Array };
    decode(bytes: Uint8Array): any;
}

export const etcdserverpb: Record<'ResponseHeader' | 'KeyValue' | 'Event' | 'RangeRequest' | 'RangeResponse' | 'PutRequest' | 'DeleteRangeRequest' | 'RequestOp' | 'DeleteRangeResponse' | 'PutResponse' | 'ResponseOp' | 'Compare' | 'TxnRequest' | 'TxnResponse' | 'LeaseGrantRequest' | 'LeaseGrantResponse' | 'LeaseRevokeRequest' | 'LeaseKeepAliveRequest' | 'LeaseKeepAliveResponse' | 'LeaseTimeToLiveRequest' | 'LeaseTimeToLiveResponse' | 'WatchCreateRequest' | 'WatchCancelRequest' | 'WatchRequest' | 'WatchResponse' | 'AuthenticateRequest' | 'AuthenticateResponse' | 'MemberHeader' | 'StatusRequest' | 'StatusResponse', Codec> = $root.etcdserverpb = (() => {

    const etcdserverpb = {};

    etcdserverpb.ResponseHeader = (function() {

        function ResponseHeader(properties) {
            if (properties)
                for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        }

        ResponseHeader.prototype.revision = $util.Long ? $util.Long.fromBits(0,0,false) : 0;

        ResponseHeader.encode = function encode(message, writer, q) {
            if (!writer)
                writer = $Writer.create();
            if (q === undefined)
                q = 0;
            if (q > $util.recursionLimit)
                throw Error("max depth exceeded");
            if (message.revision != null && Object.hasOwnProperty.call(message, "revision"))
                writer.uint32(24).int64(message.revision);
            return writer;
        };

        ResponseHeader.decode = function decode(reader, length, error, long) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (long === undefined)
                long = 0;
            if (long > $Reader.recursionLimit)
                throw Error("maximum nesting depth exceeded");
            let end, message;
            if (length === undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = new $root.etcdserverpb.ResponseHeader();
            while (reader.pos < end) {
                let tag = reader.uint32();
                if (tag === error)
                    break;
                switch (tag >>> 3) {
                case 3: {
                        message.revision = reader.int64();
                        break;
                    }
                default:
                    reader.skipType(tag & 7, long);
                    break;
                }
            }
            if (length !== undefined) {
                if (reader.pos !== end)
                    throw RangeError("index out of range");
                reader.len = length;
            }
            return message;
        };

        return ResponseHeader;
    })();

    etcdserverpb.KeyValue = (function() {

        function KeyValue(properties) {
            if (properties)
                for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        }

        KeyValue.prototype.key = $util.newBuffer([]);
        KeyValue.prototype.create_revision = $util.Long ? $util.Long.fromBits(0,0,false) : 0;
        KeyValue.prototype.mod_revision = $util.Long ? $util.Long.fromBits(0,0,false) : 0;
        KeyValue.prototype.version = $util.Long ? $util.Long.fromBits(0,0,false) : 0;
        KeyValue.prototype.value = $util.newBuffer([]);
        KeyValue.prototype.lease = $util.Long ? $util.Long.fromBits(0,0,false) : 0;

        KeyValue.encode = function encode(message, writer, q) {
            if (!writer)
                writer = $Writer.create();
            if (q === undefined)
                q = 0;
            if (q > $util.recursionLimit)
                throw Error("max depth exceeded");
            if (message.key != null && Object.hasOwnProperty.call(message, "key"))
                writer.uint32(10).bytes(message.key);
            if (message.create_revision != null && Object.hasOwnProperty.call(message, "create_revision"))
                writer.uint32(16).int64(message.create_revision);
            if (message.mod_revision != null && Object.hasOwnProperty.call(message, "mod_revision"))
                writer.uint32(24).int64(message.mod_revision);
            if (message.version != null && Object.hasOwnProperty.call(message, "version"))
                writer.uint32(32).int64(message.version);
            if (message.value != null && Object.hasOwnProperty.call(message, "value"))
                writer.uint32(42).bytes(message.value);
            if (message.lease != null && Object.hasOwnProperty.call(message, "lease"))
                writer.uint32(48).int64(message.lease);
            return writer;
        };

        KeyValue.decode = function decode(reader, length, error, long) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (long === undefined)
                long = 0;
            if (long > $Reader.recursionLimit)
                throw Error("maximum nesting depth exceeded");
            let end, message;
            if (length === undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = new $root.etcdserverpb.KeyValue();
            while (reader.pos < end) {
                let tag = reader.uint32();
                if (tag === error)
                    break;
                switch (tag >>> 3) {
                case 1: {
                        message.key = reader.bytes();
                        break;
                    }
                case 2: {
                        message.create_revision = reader.int64();
                        break;
                    }
                case 3: {
                        message.mod_revision = reader.int64();
                        break;
                    }
                case 4: {
                        message.version = reader.int64();
                        break;
                    }
                case 5: {
                        message.value = reader.bytes();
                        break;
                    }
                case 6: {
                        message.lease = reader.int64();
                        break;
                    }
                default:
                    reader.skipType(tag & 7, long);
                    break;
                }
            }
            if (length !== undefined) {
                if (reader.pos !== end)
                    throw RangeError("index out of range");
                reader.len = length;
            }
            return message;
        };

        return KeyValue;
    })();

    etcdserverpb.Event = (function() {

        function Event(properties) {
            if (properties)
                for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        }

        Event.prototype.type = 0;
        Event.prototype.kv = null;

        Event.encode = function encode(message, writer, q) {
            if (!writer)
                writer = $Writer.create();
            if (q === undefined)
                q = 0;
            if (q > $util.recursionLimit)
                throw Error("max depth exceeded");
            if (message.type != null && Object.hasOwnProperty.call(message, "type"))
                writer.uint32(8).int32(message.type);
            if (message.kv != null && Object.hasOwnProperty.call(message, "kv"))
                $root.etcdserverpb.KeyValue.encode(message.kv, writer.uint32(18).fork(), q + 1).ldelim();
            return writer;
        };

        Event.decode = function decode(reader, length, error, long) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (long === undefined)
                long = 0;
            if (long > $Reader.recursionLimit)
                throw Error("maximum nesting depth exceeded");
            let end, message;
            if (length === undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = new $root.etcdserverpb.Event();
            while (reader.pos < end) {
                let tag = reader.uint32();
                if (tag === error)
                    break;
                switch (tag >>> 3) {
                case 1: {
                        message.type = reader.int32();
                        break;
                    }
                case 2: {
                        message.kv = $root.etcdserverpb.KeyValue.decode(reader, reader.uint32(), undefined, long + 1);
                        break;
                    }
                default:
                    reader.skipType(tag & 7, long);
                    break;
                }
            }
            if (length !== undefined) {
                if (reader.pos !== end)
                    throw RangeError("index out of range");
                reader.len = length;
            }
            return message;
        };

        return Event;
    })();

    etcdserverpb.RangeRequest = (function() {

        function RangeRequest(properties) {
            if (properties)
                for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        }

        RangeRequest.prototype.key = $util.newBuffer([]);
        RangeRequest.prototype.range_end = $util.newBuffer([]);
        RangeRequest.prototype.limit = $util.Long ? $util.Long.fromBits(0,0,false) : 0;
        RangeRequest.prototype.revision = $util.Long ? $util.Long.fromBits(0,0,false) : 0;
        RangeRequest.prototype.sort_order = 0;
        RangeRequest.prototype.sort_target = 0;
        RangeRequest.prototype.keys_only = false;
        RangeRequest.prototype.count_only = false;
        RangeRequest.prototype.min_create_revision = $util.Long ? $util.Long.fromBits(0,0,false) : 0;
        RangeRequest.prototype.max_create_revision = $util.Long ? $util.Long.fromBits(0,0,false) : 0;

        RangeRequest.encode = function encode(message, writer, q) {
            if (!writer)
                writer = $Writer.create();
            if (q === undefined)
                q = 0;
            if (q > $util.recursionLimit)
                throw Error("max depth exceeded");
            if (message.key != null && Object.hasOwnProperty.call(message, "key"))
                writer.uint32(10).bytes(message.key);
            if (message.range_end != null && Object.hasOwnProperty.call(message, "range_end"))
                writer.uint32(18).bytes(message.range_end);
            if (message.limit != null && Object.hasOwnProperty.call(message, "limit"))
                writer.uint32(24).int64(message.limit);
            if (message.revision != null && Object.hasOwnProperty.call(message, "revision"))
                writer.uint32(32).int64(message.revision);
            if (message.sort_order != null && Object.hasOwnProperty.call(message, "sort_order"))
                writer.uint32(40).int32(message.sort_order);
            if (message.sort_target != null && Object.hasOwnProperty.call(message, "sort_target"))
                writer.uint32(48).int32(message.sort_target);
            if (message.keys_only != null && Object.hasOwnProperty.call(message, "keys_only"))
                writer.uint32(64).bool(message.keys_only);
            if (message.count_only != null && Object.hasOwnProperty.call(message, "count_only"))
                writer.uint32(72).bool(message.count_only);
            if (message.min_create_revision != null && Object.hasOwnProperty.call(message, "min_create_revision"))
                writer.uint32(96).int64(message.min_create_revision);
            if (message.max_create_revision != null && Object.hasOwnProperty.call(message, "max_create_revision"))
                writer.uint32(104).int64(message.max_create_revision);
            return writer;
        };

        RangeRequest.decode = function decode(reader, length, error, long) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (long === undefined)
                long = 0;
            if (long > $Reader.recursionLimit)
                throw Error("maximum nesting depth exceeded");
            let end, message;
            if (length === undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = new $root.etcdserverpb.RangeRequest();
            while (reader.pos < end) {
                let tag = reader.uint32();
                if (tag === error)
                    break;
                switch (tag >>> 3) {
                case 1: {
                        message.key = reader.bytes();
                        break;
                    }
                case 2: {
                        message.range_end = reader.bytes();
                        break;
                    }
                case 3: {
                        message.limit = reader.int64();
                        break;
                    }
                case 4: {
                        message.revision = reader.int64();
                        break;
                    }
                case 5: {
                        message.sort_order = reader.int32();
                        break;
                    }
                case 6: {
                        message.sort_target = reader.int32();
                        break;
                    }
                case 8: {
                        message.keys_only = reader.bool();
                        break;
                    }
                case 9: {
                        message.count_only = reader.bool();
                        break;
                    }
                case 12: {
                        message.min_create_revision = reader.int64();
                        break;
                    }
                case 13: {
                        message.max_create_revision = reader.int64();
                        break;
                    }
                default:
                    reader.skipType(tag & 7, long);
                    break;
                }
            }
            if (length !== undefined) {
                if (reader.pos !== end)
                    throw RangeError("index out of range");
                reader.len = length;
            }
            return message;
        };

        return RangeRequest;
    })();

    etcdserverpb.RangeResponse = (function() {

        function RangeResponse(properties) {
            this.kvs = [];
            if (properties)
                for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        }

        RangeResponse.prototype.header = null;
        RangeResponse.prototype.kvs = $util.emptyArray;
        RangeResponse.prototype.more = false;
        RangeResponse.prototype.count = $util.Long ? $util.Long.fromBits(0,0,false) : 0;

        RangeResponse.encode = function encode(message, writer, q) {
            if (!writer)
                writer = $Writer.create();
            if (q === undefined)
                q = 0;
            if (q > $util.recursionLimit)
                throw Error("max depth exceeded");
            if (message.header != null && Object.hasOwnProperty.call(message, "header"))
                $root.etcdserverpb.ResponseHeader.encode(message.header, writer.uint32(10).fork(), q + 1).ldelim();
            if (message.kvs != null && message.kvs.length)
                for (let i = 0; i < message.kvs.length; ++i)
                    $root.etcdserverpb.KeyValue.encode(message.kvs[i], writer.uint32(18).fork(), q + 1).ldelim();
            if (message.more != null && Object.hasOwnProperty.call(message, "more"))
                writer.uint32(24).bool(message.more);
            if (message.count != null && Object.hasOwnProperty.call(message, "count"))
                writer.uint32(32).int64(message.count);
            return writer;
        };

        RangeResponse.decode = function decode(reader, length, error, long) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (long === undefined)
                long = 0;
            if (long > $Reader.recursionLimit)
                throw Error("maximum nesting depth exceeded");
            let end, message;
            if (length === undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = new $root.etcdserverpb.RangeResponse();
            while (reader.pos < end) {
                let tag = reader.uint32();
                if (tag === error)
                    break;
                switch (tag >>> 3) {
                case 1: {
                        message.header = $root.etcdserverpb.ResponseHeader.decode(reader, reader.uint32(), undefined, long + 1);
                        break;
                    }
                case 2: {
                        if (!(message.kvs && message.kvs.length))
                            message.kvs = [];
                        message.kvs.push($root.etcdserverpb.KeyValue.decode(reader, reader.uint32(), undefined, long + 1));
                        break;
                    }
                case 3: {
                        message.more = reader.bool();
                        break;
                    }
                case 4: {
                        message.count = reader.int64();
                        break;
                    }
                default:
                    reader.skipType(tag & 7, long);
                    break;
                }
            }
            if (length !== undefined) {
                if (reader.pos !== end)
                    throw RangeError("index out of range");
                reader.len = length;
            }
            return message;
        };

        return RangeResponse;
    })();

    etcdserverpb.PutRequest = (function() {

        function PutRequest(properties) {
            if (properties)
                for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        }

        PutRequest.prototype.key = $util.newBuffer([]);
        PutRequest.prototype.value = $util.newBuffer([]);
        PutRequest.prototype.lease = $util.Long ? $util.Long.fromBits(0,0,false) : 0;
        PutRequest.prototype.ignore_value = false;
        PutRequest.prototype.ignore_lease = false;

        PutRequest.encode = function encode(message, writer, q) {
            if (!writer)
                writer = $Writer.create();
            if (q === undefined)
                q = 0;
            if (q > $util.recursionLimit)
                throw Error("max depth exceeded");
            if (message.key != null && Object.hasOwnProperty.call(message, "key"))
                writer.uint32(10).bytes(message.key);
            if (message.value != null && Object.hasOwnProperty.call(message, "value"))
                writer.uint32(18).bytes(message.value);
            if (message.lease != null && Object.hasOwnProperty.call(message, "lease"))
                writer.uint32(24).int64(message.lease);
            if (message.ignore_value != null && Object.hasOwnProperty.call(message, "ignore_value"))
                writer.uint32(40).bool(message.ignore_value);
            if (message.ignore_lease != null && Object.hasOwnProperty.call(message, "ignore_lease"))
                writer.uint32(48).bool(message.ignore_lease);
            return writer;
        };

        PutRequest.decode = function decode(reader, length, error, long) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (long === undefined)
                long = 0;
            if (long > $Reader.recursionLimit)
                throw Error("maximum nesting depth exceeded");
            let end, message;
            if (length === undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = new $root.etcdserverpb.PutRequest();
            while (reader.pos < end) {
                let tag = reader.uint32();
                if (tag === error)
                    break;
                switch (tag >>> 3) {
                case 1: {
                        message.key = reader.bytes();
                        break;
                    }
                case 2: {
                        message.value = reader.bytes();
                        break;
                    }
                case 3: {
                        message.lease = reader.int64();
                        break;
                    }
                case 5: {
                        message.ignore_value = reader.bool();
                        break;
                    }
                case 6: {
                        message.ignore_lease = reader.bool();
                        break;
                    }
                default:
                    reader.skipType(tag & 7, long);
                    break;
                }
            }
            if (length !== undefined) {
                if (reader.pos !== end)
                    throw RangeError("index out of range");
                reader.len = length;
            }
            return message;
        };

        return PutRequest;
    })();

    etcdserverpb.DeleteRangeRequest = (function() {

        function DeleteRangeRequest(properties) {
            if (properties)
                for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        }

        DeleteRangeRequest.prototype.key = $util.newBuffer([]);
        DeleteRangeRequest.prototype.range_end = $util.newBuffer([]);

        DeleteRangeRequest.encode = function encode(message, writer, q) {
            if (!writer)
                writer = $Writer.create();
            if (q === undefined)
                q = 0;
            if (q > $util.recursionLimit)
                throw Error("max depth exceeded");
            if (message.key != null && Object.hasOwnProperty.call(message, "key"))
                writer.uint32(10).bytes(message.key);
            if (message.range_end != null && Object.hasOwnProperty.call(message, "range_end"))
                writer.uint32(18).bytes(message.range_end);
            return writer;
        };

        DeleteRangeRequest.decode = function decode(reader, length, error, long) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (long === undefined)
                long = 0;
            if (long > $Reader.recursionLimit)
                throw Error("maximum nesting depth exceeded");
            let end, message;
            if (length === undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = new $root.etcdserverpb.DeleteRangeRequest();
            while (reader.pos < end) {
                let tag = reader.uint32();
                if (tag === error)
                    break;
                switch (tag >>> 3) {
                case 1: {
                        message.key = reader.bytes();
                        break;
                    }
                case 2: {
                        message.range_end = reader.bytes();
                        break;
                    }
                default:
                    reader.skipType(tag & 7, long);
                    break;
                }
            }
            if (length !== undefined) {
                if (reader.pos !== end)
                    throw RangeError("index out of range");
                reader.len = length;
            }
            return message;
        };

        return DeleteRangeRequest;
    })();

    etcdserverpb.RequestOp = (function() {

        function RequestOp(properties) {
            if (properties)
                for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        }

        RequestOp.prototype.request_range = null;
        RequestOp.prototype.request_put = null;
        RequestOp.prototype.request_delete_range = null;

        let $oneOfFields;

        Object.defineProperty(RequestOp.prototype, "request", {
            get: $util.oneOfGetter($oneOfFields = ["request_range", "request_put", "request_delete_range"]),
            set: $util.oneOfSetter($oneOfFields)
        });

        RequestOp.encode = function encode(message, writer, q) {
            if (!writer)
                writer = $Writer.create();
            if (q === undefined)
                q = 0;
            if (q > $util.recursionLimit)
                throw Error("max depth exceeded");
            if (message.request_range != null && Object.hasOwnProperty.call(message, "request_range"))
                $root.etcdserverpb.RangeRequest.encode(message.request_range, writer.uint32(10).fork(), q + 1).ldelim();
            if (message.request_put != null && Object.hasOwnProperty.call(message, "request_put"))
                $root.etcdserverpb.PutRequest.encode(message.request_put, writer.uint32(18).fork(), q + 1).ldelim();
            if (message.request_delete_range != null && Object.hasOwnProperty.call(message, "request_delete_range"))
                $root.etcdserverpb.DeleteRangeRequest.encode(message.request_delete_range, writer.uint32(26).fork(), q + 1).ldelim();
            return writer;
        };

        RequestOp.decode = function decode(reader, length, error, long) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (long === undefined)
                long = 0;
            if (long > $Reader.recursionLimit)
                throw Error("maximum nesting depth exceeded");
            let end, message;
            if (length === undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = new $root.etcdserverpb.RequestOp();
            while (reader.pos < end) {
                let tag = reader.uint32();
                if (tag === error)
                    break;
                switch (tag >>> 3) {
                case 1: {
                        message.request_range = $root.etcdserverpb.RangeRequest.decode(reader, reader.uint32(), undefined, long + 1);
                        break;
                    }
                case 2: {
                        message.request_put = $root.etcdserverpb.PutRequest.decode(reader, reader.uint32(), undefined, long + 1);
                        break;
                    }
                case 3: {
                        message.request_delete_range = $root.etcdserverpb.DeleteRangeRequest.decode(reader, reader.uint32(), undefined, long + 1);
                        break;
                    }
                default:
                    reader.skipType(tag & 7, long);
                    break;
                }
            }
            if (length !== undefined) {
                if (reader.pos !== end)
                    throw RangeError("index out of range");
                reader.len = length;
            }
            return message;
        };

        return RequestOp;
    })();

    etcdserverpb.DeleteRangeResponse = (function() {

        function DeleteRangeResponse(properties) {
            if (properties)
                for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        }

        DeleteRangeResponse.prototype.deleted = $util.Long ? $util.Long.fromBits(0,0,false) : 0;

        DeleteRangeResponse.encode = function encode(message, writer, q) {
            if (!writer)
                writer = $Writer.create();
            if (q === undefined)
                q = 0;
            if (q > $util.recursionLimit)
                throw Error("max depth exceeded");
            if (message.deleted != null && Object.hasOwnProperty.call(message, "deleted"))
                writer.uint32(16).int64(message.deleted);
            return writer;
        };

        DeleteRangeResponse.decode = function decode(reader, length, error, long) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (long === undefined)
                long = 0;
            if (long > $Reader.recursionLimit)
                throw Error("maximum nesting depth exceeded");
            let end, message;
            if (length === undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = new $root.etcdserverpb.DeleteRangeResponse();
            while (reader.pos < end) {
                let tag = reader.uint32();
                if (tag === error)
                    break;
                switch (tag >>> 3) {
                case 2: {
                        message.deleted = reader.int64();
                        break;
                    }
                default:
                    reader.skipType(tag & 7, long);
                    break;
                }
            }
            if (length !== undefined) {
                if (reader.pos !== end)
                    throw RangeError("index out of range");
                reader.len = length;
            }
            return message;
        };

        return DeleteRangeResponse;
    })();

    etcdserverpb.PutResponse = (function() {

        function PutResponse(properties) {
            if (properties)
                for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        }

        PutResponse.encode = function encode(message, writer, q) {
            if (!writer)
                writer = $Writer.create();
            if (q === undefined)
                q = 0;
            if (q > $util.recursionLimit)
                throw Error("max depth exceeded");
            return writer;
        };

        PutResponse.decode = function decode(reader, length, error, long) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (long === undefined)
                long = 0;
            if (long > $Reader.recursionLimit)
                throw Error("maximum nesting depth exceeded");
            let end, message;
            if (length === undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = new $root.etcdserverpb.PutResponse();
            while (reader.pos < end) {
                let tag = reader.uint32();
                if (tag === error)
                    break;
                switch (tag >>> 3) {
                default:
                    reader.skipType(tag & 7, long);
                    break;
                }
            }
            if (length !== undefined) {
                if (reader.pos !== end)
                    throw RangeError("index out of range");
                reader.len = length;
            }
            return message;
        };

        return PutResponse;
    })();

    etcdserverpb.ResponseOp = (function() {

        function ResponseOp(properties) {
            if (properties)
                for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        }

        ResponseOp.prototype.response_range = null;
        ResponseOp.prototype.response_put = null;
        ResponseOp.prototype.response_delete_range = null;

        let $oneOfFields;

        Object.defineProperty(ResponseOp.prototype, "response", {
            get: $util.oneOfGetter($oneOfFields = ["response_range", "response_put", "response_delete_range"]),
            set: $util.oneOfSetter($oneOfFields)
        });

        ResponseOp.encode = function encode(message, writer, q) {
            if (!writer)
                writer = $Writer.create();
            if (q === undefined)
                q = 0;
            if (q > $util.recursionLimit)
                throw Error("max depth exceeded");
            if (message.response_range != null && Object.hasOwnProperty.call(message, "response_range"))
                $root.etcdserverpb.RangeResponse.encode(message.response_range, writer.uint32(10).fork(), q + 1).ldelim();
            if (message.response_put != null && Object.hasOwnProperty.call(message, "response_put"))
                $root.etcdserverpb.PutResponse.encode(message.response_put, writer.uint32(18).fork(), q + 1).ldelim();
            if (message.response_delete_range != null && Object.hasOwnProperty.call(message, "response_delete_range"))
                $root.etcdserverpb.DeleteRangeResponse.encode(message.response_delete_range, writer.uint32(26).fork(), q + 1).ldelim();
            return writer;
        };

        ResponseOp.decode = function decode(reader, length, error, long) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (long === undefined)
                long = 0;
            if (long > $Reader.recursionLimit)
                throw Error("maximum nesting depth exceeded");
            let end, message;
            if (length === undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = new $root.etcdserverpb.ResponseOp();
            while (reader.pos < end) {
                let tag = reader.uint32();
                if (tag === error)
                    break;
                switch (tag >>> 3) {
                case 1: {
                        message.response_range = $root.etcdserverpb.RangeResponse.decode(reader, reader.uint32(), undefined, long + 1);
                        break;
                    }
                case 2: {
                        message.response_put = $root.etcdserverpb.PutResponse.decode(reader, reader.uint32(), undefined, long + 1);
                        break;
                    }
                case 3: {
                        message.response_delete_range = $root.etcdserverpb.DeleteRangeResponse.decode(reader, reader.uint32(), undefined, long + 1);
                        break;
                    }
                default:
                    reader.skipType(tag & 7, long);
                    break;
                }
            }
            if (length !== undefined) {
                if (reader.pos !== end)
                    throw RangeError("index out of range");
                reader.len = length;
            }
            return message;
        };

        return ResponseOp;
    })();

    etcdserverpb.Compare = (function() {

        function Compare(properties) {
            if (properties)
                for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        }

        Compare.prototype.result = 0;
        Compare.prototype.target = 0;
        Compare.prototype.key = $util.newBuffer([]);
        Compare.prototype.version = null;
        Compare.prototype.create_revision = null;
        Compare.prototype.mod_revision = null;
        Compare.prototype.value = null;
        Compare.prototype.lease = null;
        Compare.prototype.range_end = $util.newBuffer([]);

        let $oneOfFields;

        Object.defineProperty(Compare.prototype, "target_union", {
            get: $util.oneOfGetter($oneOfFields = ["version", "create_revision", "mod_revision", "value", "lease"]),
            set: $util.oneOfSetter($oneOfFields)
        });

        Compare.encode = function encode(message, writer, q) {
            if (!writer)
                writer = $Writer.create();
            if (q === undefined)
                q = 0;
            if (q > $util.recursionLimit)
                throw Error("max depth exceeded");
            if (message.result != null && Object.hasOwnProperty.call(message, "result"))
                writer.uint32(8).int32(message.result);
            if (message.target != null && Object.hasOwnProperty.call(message, "target"))
                writer.uint32(16).int32(message.target);
            if (message.key != null && Object.hasOwnProperty.call(message, "key"))
                writer.uint32(26).bytes(message.key);
            if (message.version != null && Object.hasOwnProperty.call(message, "version"))
                writer.uint32(32).int64(message.version);
            if (message.create_revision != null && Object.hasOwnProperty.call(message, "create_revision"))
                writer.uint32(40).int64(message.create_revision);
            if (message.mod_revision != null && Object.hasOwnProperty.call(message, "mod_revision"))
                writer.uint32(48).int64(message.mod_revision);
            if (message.value != null && Object.hasOwnProperty.call(message, "value"))
                writer.uint32(58).bytes(message.value);
            if (message.lease != null && Object.hasOwnProperty.call(message, "lease"))
                writer.uint32(64).int64(message.lease);
            if (message.range_end != null && Object.hasOwnProperty.call(message, "range_end"))
                writer.uint32(514).bytes(message.range_end);
            return writer;
        };

        Compare.decode = function decode(reader, length, error, long) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (long === undefined)
                long = 0;
            if (long > $Reader.recursionLimit)
                throw Error("maximum nesting depth exceeded");
            let end, message;
            if (length === undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = new $root.etcdserverpb.Compare();
            while (reader.pos < end) {
                let tag = reader.uint32();
                if (tag === error)
                    break;
                switch (tag >>> 3) {
                case 1: {
                        message.result = reader.int32();
                        break;
                    }
                case 2: {
                        message.target = reader.int32();
                        break;
                    }
                case 3: {
                        message.key = reader.bytes();
                        break;
                    }
                case 4: {
                        message.version = reader.int64();
                        break;
                    }
                case 5: {
                        message.create_revision = reader.int64();
                        break;
                    }
                case 6: {
                        message.mod_revision = reader.int64();
                        break;
                    }
                case 7: {
                        message.value = reader.bytes();
                        break;
                    }
                case 8: {
                        message.lease = reader.int64();
                        break;
                    }
                case 64: {
                        message.range_end = reader.bytes();
                        break;
                    }
                default:
                    reader.skipType(tag & 7, long);
                    break;
                }
            }
            if (length !== undefined) {
                if (reader.pos !== end)
                    throw RangeError("index out of range");
                reader.len = length;
            }
            return message;
        };

        return Compare;
    })();

    etcdserverpb.TxnRequest = (function() {

        function TxnRequest(properties) {
            this.compare = [];
            this.success = [];
            this.failure = [];
            if (properties)
                for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        }

        TxnRequest.prototype.compare = $util.emptyArray;
        TxnRequest.prototype.success = $util.emptyArray;
        TxnRequest.prototype.failure = $util.emptyArray;

        TxnRequest.encode = function encode(message, writer, q) {
            if (!writer)
                writer = $Writer.create();
            if (q === undefined)
                q = 0;
            if (q > $util.recursionLimit)
                throw Error("max depth exceeded");
            if (message.compare != null && message.compare.length)
                for (let i = 0; i < message.compare.length; ++i)
                    $root.etcdserverpb.Compare.encode(message.compare[i], writer.uint32(10).fork(), q + 1).ldelim();
            if (message.success != null && message.success.length)
                for (let i = 0; i < message.success.length; ++i)
                    $root.etcdserverpb.RequestOp.encode(message.success[i], writer.uint32(18).fork(), q + 1).ldelim();
            if (message.failure != null && message.failure.length)
                for (let i = 0; i < message.failure.length; ++i)
                    $root.etcdserverpb.RequestOp.encode(message.failure[i], writer.uint32(26).fork(), q + 1).ldelim();
            return writer;
        };

        TxnRequest.decode = function decode(reader, length, error, long) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (long === undefined)
                long = 0;
            if (long > $Reader.recursionLimit)
                throw Error("maximum nesting depth exceeded");
            let end, message;
            if (length === undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = new $root.etcdserverpb.TxnRequest();
            while (reader.pos < end) {
                let tag = reader.uint32();
                if (tag === error)
                    break;
                switch (tag >>> 3) {
                case 1: {
                        if (!(message.compare && message.compare.length))
                            message.compare = [];
                        message.compare.push($root.etcdserverpb.Compare.decode(reader, reader.uint32(), undefined, long + 1));
                        break;
                    }
                case 2: {
                        if (!(message.success && message.success.length))
                            message.success = [];
                        message.success.push($root.etcdserverpb.RequestOp.decode(reader, reader.uint32(), undefined, long + 1));
                        break;
                    }
                case 3: {
                        if (!(message.failure && message.failure.length))
                            message.failure = [];
                        message.failure.push($root.etcdserverpb.RequestOp.decode(reader, reader.uint32(), undefined, long + 1));
                        break;
                    }
                default:
                    reader.skipType(tag & 7, long);
                    break;
                }
            }
            if (length !== undefined) {
                if (reader.pos !== end)
                    throw RangeError("index out of range");
                reader.len = length;
            }
            return message;
        };

        return TxnRequest;
    })();

    etcdserverpb.TxnResponse = (function() {

        function TxnResponse(properties) {
            this.responses = [];
            if (properties)
                for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        }

        TxnResponse.prototype.header = null;
        TxnResponse.prototype.succeeded = false;
        TxnResponse.prototype.responses = $util.emptyArray;

        TxnResponse.encode = function encode(message, writer, q) {
            if (!writer)
                writer = $Writer.create();
            if (q === undefined)
                q = 0;
            if (q > $util.recursionLimit)
                throw Error("max depth exceeded");
            if (message.header != null && Object.hasOwnProperty.call(message, "header"))
                $root.etcdserverpb.ResponseHeader.encode(message.header, writer.uint32(10).fork(), q + 1).ldelim();
            if (message.succeeded != null && Object.hasOwnProperty.call(message, "succeeded"))
                writer.uint32(16).bool(message.succeeded);
            if (message.responses != null && message.responses.length)
                for (let i = 0; i < message.responses.length; ++i)
                    $root.etcdserverpb.ResponseOp.encode(message.responses[i], writer.uint32(26).fork(), q + 1).ldelim();
            return writer;
        };

        TxnResponse.decode = function decode(reader, length, error, long) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (long === undefined)
                long = 0;
            if (long > $Reader.recursionLimit)
                throw Error("maximum nesting depth exceeded");
            let end, message;
            if (length === undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = new $root.etcdserverpb.TxnResponse();
            while (reader.pos < end) {
                let tag = reader.uint32();
                if (tag === error)
                    break;
                switch (tag >>> 3) {
                case 1: {
                        message.header = $root.etcdserverpb.ResponseHeader.decode(reader, reader.uint32(), undefined, long + 1);
                        break;
                    }
                case 2: {
                        message.succeeded = reader.bool();
                        break;
                    }
                case 3: {
                        if (!(message.responses && message.responses.length))
                            message.responses = [];
                        message.responses.push($root.etcdserverpb.ResponseOp.decode(reader, reader.uint32(), undefined, long + 1));
                        break;
                    }
                default:
                    reader.skipType(tag & 7, long);
                    break;
                }
            }
            if (length !== undefined) {
                if (reader.pos !== end)
                    throw RangeError("index out of range");
                reader.len = length;
            }
            return message;
        };

        return TxnResponse;
    })();

    etcdserverpb.LeaseGrantRequest = (function() {

        function LeaseGrantRequest(properties) {
            if (properties)
                for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        }

        LeaseGrantRequest.prototype.TTL = $util.Long ? $util.Long.fromBits(0,0,false) : 0;
        LeaseGrantRequest.prototype.ID = $util.Long ? $util.Long.fromBits(0,0,false) : 0;

        LeaseGrantRequest.encode = function encode(message, writer, q) {
            if (!writer)
                writer = $Writer.create();
            if (q === undefined)
                q = 0;
            if (q > $util.recursionLimit)
                throw Error("max depth exceeded");
            if (message.TTL != null && Object.hasOwnProperty.call(message, "TTL"))
                writer.uint32(8).int64(message.TTL);
            if (message.ID != null && Object.hasOwnProperty.call(message, "ID"))
                writer.uint32(16).int64(message.ID);
            return writer;
        };

        LeaseGrantRequest.decode = function decode(reader, length, error, long) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (long === undefined)
                long = 0;
            if (long > $Reader.recursionLimit)
                throw Error("maximum nesting depth exceeded");
            let end, message;
            if (length === undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = new $root.etcdserverpb.LeaseGrantRequest();
            while (reader.pos < end) {
                let tag = reader.uint32();
                if (tag === error)
                    break;
                switch (tag >>> 3) {
                case 1: {
                        message.TTL = reader.int64();
                        break;
                    }
                case 2: {
                        message.ID = reader.int64();
                        break;
                    }
                default:
                    reader.skipType(tag & 7, long);
                    break;
                }
            }
            if (length !== undefined) {
                if (reader.pos !== end)
                    throw RangeError("index out of range");
                reader.len = length;
            }
            return message;
        };

        return LeaseGrantRequest;
    })();

    etcdserverpb.LeaseGrantResponse = (function() {

        function LeaseGrantResponse(properties) {
            if (properties)
                for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        }

        LeaseGrantResponse.prototype.ID = $util.Long ? $util.Long.fromBits(0,0,false) : 0;
        LeaseGrantResponse.prototype.TTL = $util.Long ? $util.Long.fromBits(0,0,false) : 0;

        LeaseGrantResponse.encode = function encode(message, writer, q) {
            if (!writer)
                writer = $Writer.create();
            if (q === undefined)
                q = 0;
            if (q > $util.recursionLimit)
                throw Error("max depth exceeded");
            if (message.ID != null && Object.hasOwnProperty.call(message, "ID"))
                writer.uint32(16).int64(message.ID);
            if (message.TTL != null && Object.hasOwnProperty.call(message, "TTL"))
                writer.uint32(24).int64(message.TTL);
            return writer;
        };

        LeaseGrantResponse.decode = function decode(reader, length, error, long) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (long === undefined)
                long = 0;
            if (long > $Reader.recursionLimit)
                throw Error("maximum nesting depth exceeded");
            let end, message;
            if (length === undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = new $root.etcdserverpb.LeaseGrantResponse();
            while (reader.pos < end) {
                let tag = reader.uint32();
                if (tag === error)
                    break;
                switch (tag >>> 3) {
                case 2: {
                        message.ID = reader.int64();
                        break;
                    }
                case 3: {
                        message.TTL = reader.int64();
                        break;
                    }
                default:
                    reader.skipType(tag & 7, long);
                    break;
                }
            }
            if (length !== undefined) {
                if (reader.pos !== end)
                    throw RangeError("index out of range");
                reader.len = length;
            }
            return message;
        };

        return LeaseGrantResponse;
    })();

    etcdserverpb.LeaseRevokeRequest = (function() {

        function LeaseRevokeRequest(properties) {
            if (properties)
                for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        }

        LeaseRevokeRequest.prototype.ID = $util.Long ? $util.Long.fromBits(0,0,false) : 0;

        LeaseRevokeRequest.encode = function encode(message, writer, q) {
            if (!writer)
                writer = $Writer.create();
            if (q === undefined)
                q = 0;
            if (q > $util.recursionLimit)
                throw Error("max depth exceeded");
            if (message.ID != null && Object.hasOwnProperty.call(message, "ID"))
                writer.uint32(8).int64(message.ID);
            return writer;
        };

        LeaseRevokeRequest.decode = function decode(reader, length, error, long) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (long === undefined)
                long = 0;
            if (long > $Reader.recursionLimit)
                throw Error("maximum nesting depth exceeded");
            let end, message;
            if (length === undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = new $root.etcdserverpb.LeaseRevokeRequest();
            while (reader.pos < end) {
                let tag = reader.uint32();
                if (tag === error)
                    break;
                switch (tag >>> 3) {
                case 1: {
                        message.ID = reader.int64();
                        break;
                    }
                default:
                    reader.skipType(tag & 7, long);
                    break;
                }
            }
            if (length !== undefined) {
                if (reader.pos !== end)
                    throw RangeError("index out of range");
                reader.len = length;
            }
            return message;
        };

        return LeaseRevokeRequest;
    })();

    etcdserverpb.LeaseKeepAliveRequest = (function() {

        function LeaseKeepAliveRequest(properties) {
            if (properties)
                for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        }

        LeaseKeepAliveRequest.prototype.ID = $util.Long ? $util.Long.fromBits(0,0,false) : 0;

        LeaseKeepAliveRequest.encode = function encode(message, writer, q) {
            if (!writer)
                writer = $Writer.create();
            if (q === undefined)
                q = 0;
            if (q > $util.recursionLimit)
                throw Error("max depth exceeded");
            if (message.ID != null && Object.hasOwnProperty.call(message, "ID"))
                writer.uint32(8).int64(message.ID);
            return writer;
        };

        LeaseKeepAliveRequest.decode = function decode(reader, length, error, long) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (long === undefined)
                long = 0;
            if (long > $Reader.recursionLimit)
                throw Error("maximum nesting depth exceeded");
            let end, message;
            if (length === undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = new $root.etcdserverpb.LeaseKeepAliveRequest();
            while (reader.pos < end) {
                let tag = reader.uint32();
                if (tag === error)
                    break;
                switch (tag >>> 3) {
                case 1: {
                        message.ID = reader.int64();
                        break;
                    }
                default:
                    reader.skipType(tag & 7, long);
                    break;
                }
            }
            if (length !== undefined) {
                if (reader.pos !== end)
                    throw RangeError("index out of range");
                reader.len = length;
            }
            return message;
        };

        return LeaseKeepAliveRequest;
    })();

    etcdserverpb.LeaseKeepAliveResponse = (function() {

        function LeaseKeepAliveResponse(properties) {
            if (properties)
                for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        }

        LeaseKeepAliveResponse.prototype.ID = $util.Long ? $util.Long.fromBits(0,0,false) : 0;
        LeaseKeepAliveResponse.prototype.TTL = $util.Long ? $util.Long.fromBits(0,0,false) : 0;

        LeaseKeepAliveResponse.encode = function encode(message, writer, q) {
            if (!writer)
                writer = $Writer.create();
            if (q === undefined)
                q = 0;
            if (q > $util.recursionLimit)
                throw Error("max depth exceeded");
            if (message.ID != null && Object.hasOwnProperty.call(message, "ID"))
                writer.uint32(16).int64(message.ID);
            if (message.TTL != null && Object.hasOwnProperty.call(message, "TTL"))
                writer.uint32(24).int64(message.TTL);
            return writer;
        };

        LeaseKeepAliveResponse.decode = function decode(reader, length, error, long) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (long === undefined)
                long = 0;
            if (long > $Reader.recursionLimit)
                throw Error("maximum nesting depth exceeded");
            let end, message;
            if (length === undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = new $root.etcdserverpb.LeaseKeepAliveResponse();
            while (reader.pos < end) {
                let tag = reader.uint32();
                if (tag === error)
                    break;
                switch (tag >>> 3) {
                case 2: {
                        message.ID = reader.int64();
                        break;
                    }
                case 3: {
                        message.TTL = reader.int64();
                        break;
                    }
                default:
                    reader.skipType(tag & 7, long);
                    break;
                }
            }
            if (length !== undefined) {
                if (reader.pos !== end)
                    throw RangeError("index out of range");
                reader.len = length;
            }
            return message;
        };

        return LeaseKeepAliveResponse;
    })();

    etcdserverpb.LeaseTimeToLiveRequest = (function() {

        function LeaseTimeToLiveRequest(properties) {
            if (properties)
                for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        }

        LeaseTimeToLiveRequest.prototype.ID = $util.Long ? $util.Long.fromBits(0,0,false) : 0;

        LeaseTimeToLiveRequest.encode = function encode(message, writer, q) {
            if (!writer)
                writer = $Writer.create();
            if (q === undefined)
                q = 0;
            if (q > $util.recursionLimit)
                throw Error("max depth exceeded");
            if (message.ID != null && Object.hasOwnProperty.call(message, "ID"))
                writer.uint32(8).int64(message.ID);
            return writer;
        };

        LeaseTimeToLiveRequest.decode = function decode(reader, length, error, long) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (long === undefined)
                long = 0;
            if (long > $Reader.recursionLimit)
                throw Error("maximum nesting depth exceeded");
            let end, message;
            if (length === undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = new $root.etcdserverpb.LeaseTimeToLiveRequest();
            while (reader.pos < end) {
                let tag = reader.uint32();
                if (tag === error)
                    break;
                switch (tag >>> 3) {
                case 1: {
                        message.ID = reader.int64();
                        break;
                    }
                default:
                    reader.skipType(tag & 7, long);
                    break;
                }
            }
            if (length !== undefined) {
                if (reader.pos !== end)
                    throw RangeError("index out of range");
                reader.len = length;
            }
            return message;
        };

        return LeaseTimeToLiveRequest;
    })();

    etcdserverpb.LeaseTimeToLiveResponse = (function() {

        function LeaseTimeToLiveResponse(properties) {
            if (properties)
                for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        }

        LeaseTimeToLiveResponse.prototype.ID = $util.Long ? $util.Long.fromBits(0,0,false) : 0;
        LeaseTimeToLiveResponse.prototype.TTL = $util.Long ? $util.Long.fromBits(0,0,false) : 0;

        LeaseTimeToLiveResponse.encode = function encode(message, writer, q) {
            if (!writer)
                writer = $Writer.create();
            if (q === undefined)
                q = 0;
            if (q > $util.recursionLimit)
                throw Error("max depth exceeded");
            if (message.ID != null && Object.hasOwnProperty.call(message, "ID"))
                writer.uint32(16).int64(message.ID);
            if (message.TTL != null && Object.hasOwnProperty.call(message, "TTL"))
                writer.uint32(24).int64(message.TTL);
            return writer;
        };

        LeaseTimeToLiveResponse.decode = function decode(reader, length, error, long) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (long === undefined)
                long = 0;
            if (long > $Reader.recursionLimit)
                throw Error("maximum nesting depth exceeded");
            let end, message;
            if (length === undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = new $root.etcdserverpb.LeaseTimeToLiveResponse();
            while (reader.pos < end) {
                let tag = reader.uint32();
                if (tag === error)
                    break;
                switch (tag >>> 3) {
                case 2: {
                        message.ID = reader.int64();
                        break;
                    }
                case 3: {
                        message.TTL = reader.int64();
                        break;
                    }
                default:
                    reader.skipType(tag & 7, long);
                    break;
                }
            }
            if (length !== undefined) {
                if (reader.pos !== end)
                    throw RangeError("index out of range");
                reader.len = length;
            }
            return message;
        };

        return LeaseTimeToLiveResponse;
    })();

    etcdserverpb.WatchCreateRequest = (function() {

        function WatchCreateRequest(properties) {
            this.filters = [];
            if (properties)
                for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        }

        WatchCreateRequest.prototype.key = $util.newBuffer([]);
        WatchCreateRequest.prototype.range_end = $util.newBuffer([]);
        WatchCreateRequest.prototype.filters = $util.emptyArray;
        WatchCreateRequest.prototype.watch_id = $util.Long ? $util.Long.fromBits(0,0,false) : 0;

        WatchCreateRequest.encode = function encode(message, writer, q) {
            if (!writer)
                writer = $Writer.create();
            if (q === undefined)
                q = 0;
            if (q > $util.recursionLimit)
                throw Error("max depth exceeded");
            if (message.key != null && Object.hasOwnProperty.call(message, "key"))
                writer.uint32(10).bytes(message.key);
            if (message.range_end != null && Object.hasOwnProperty.call(message, "range_end"))
                writer.uint32(18).bytes(message.range_end);
            if (message.filters != null && message.filters.length) {
                writer.uint32(42).fork();
                for (let i = 0; i < message.filters.length; ++i)
                    writer.int32(message.filters[i]);
                writer.ldelim();
            }
            if (message.watch_id != null && Object.hasOwnProperty.call(message, "watch_id"))
                writer.uint32(56).int64(message.watch_id);
            return writer;
        };

        WatchCreateRequest.decode = function decode(reader, length, error, long) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (long === undefined)
                long = 0;
            if (long > $Reader.recursionLimit)
                throw Error("maximum nesting depth exceeded");
            let end, message;
            if (length === undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = new $root.etcdserverpb.WatchCreateRequest();
            while (reader.pos < end) {
                let tag = reader.uint32();
                if (tag === error)
                    break;
                switch (tag >>> 3) {
                case 1: {
                        message.key = reader.bytes();
                        break;
                    }
                case 2: {
                        message.range_end = reader.bytes();
                        break;
                    }
                case 5: {
                        if (!(message.filters && message.filters.length))
                            message.filters = [];
                        if ((tag & 7) === 2) {
                            let end2 = reader.uint32() + reader.pos;
                            if (end2 > reader.len)
                                throw RangeError("index out of range");
                            reader.len = end2;
                            while (reader.pos < end2)
                                message.filters.push(reader.int32());
                            if (reader.pos !== end2)
                                throw RangeError("index out of range");
                            reader.len = end;
                        } else
                            message.filters.push(reader.int32());
                        break;
                    }
                case 7: {
                        message.watch_id = reader.int64();
                        break;
                    }
                default:
                    reader.skipType(tag & 7, long);
                    break;
                }
            }
            if (length !== undefined) {
                if (reader.pos !== end)
                    throw RangeError("index out of range");
                reader.len = length;
            }
            return message;
        };

        return WatchCreateRequest;
    })();

    etcdserverpb.WatchCancelRequest = (function() {

        function WatchCancelRequest(properties) {
            if (properties)
                for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        }

        WatchCancelRequest.prototype.watch_id = $util.Long ? $util.Long.fromBits(0,0,false) : 0;

        WatchCancelRequest.encode = function encode(message, writer, q) {
            if (!writer)
                writer = $Writer.create();
            if (q === undefined)
                q = 0;
            if (q > $util.recursionLimit)
                throw Error("max depth exceeded");
            if (message.watch_id != null && Object.hasOwnProperty.call(message, "watch_id"))
                writer.uint32(8).int64(message.watch_id);
            return writer;
        };

        WatchCancelRequest.decode = function decode(reader, length, error, long) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (long === undefined)
                long = 0;
            if (long > $Reader.recursionLimit)
                throw Error("maximum nesting depth exceeded");
            let end, message;
            if (length === undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = new $root.etcdserverpb.WatchCancelRequest();
            while (reader.pos < end) {
                let tag = reader.uint32();
                if (tag === error)
                    break;
                switch (tag >>> 3) {
                case 1: {
                        message.watch_id = reader.int64();
                        break;
                    }
                default:
                    reader.skipType(tag & 7, long);
                    break;
                }
            }
            if (length !== undefined) {
                if (reader.pos !== end)
                    throw RangeError("index out of range");
                reader.len = length;
            }
            return message;
        };

        return WatchCancelRequest;
    })();

    etcdserverpb.WatchRequest = (function() {

        function WatchRequest(properties) {
            if (properties)
                for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        }

        WatchRequest.prototype.create_request = null;
        WatchRequest.prototype.cancel_request = null;

        let $oneOfFields;

        Object.defineProperty(WatchRequest.prototype, "request_union", {
            get: $util.oneOfGetter($oneOfFields = ["create_request", "cancel_request"]),
            set: $util.oneOfSetter($oneOfFields)
        });

        WatchRequest.encode = function encode(message, writer, q) {
            if (!writer)
                writer = $Writer.create();
            if (q === undefined)
                q = 0;
            if (q > $util.recursionLimit)
                throw Error("max depth exceeded");
            if (message.create_request != null && Object.hasOwnProperty.call(message, "create_request"))
                $root.etcdserverpb.WatchCreateRequest.encode(message.create_request, writer.uint32(10).fork(), q + 1).ldelim();
            if (message.cancel_request != null && Object.hasOwnProperty.call(message, "cancel_request"))
                $root.etcdserverpb.WatchCancelRequest.encode(message.cancel_request, writer.uint32(18).fork(), q + 1).ldelim();
            return writer;
        };

        WatchRequest.decode = function decode(reader, length, error, long) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (long === undefined)
                long = 0;
            if (long > $Reader.recursionLimit)
                throw Error("maximum nesting depth exceeded");
            let end, message;
            if (length === undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = new $root.etcdserverpb.WatchRequest();
            while (reader.pos < end) {
                let tag = reader.uint32();
                if (tag === error)
                    break;
                switch (tag >>> 3) {
                case 1: {
                        message.create_request = $root.etcdserverpb.WatchCreateRequest.decode(reader, reader.uint32(), undefined, long + 1);
                        break;
                    }
                case 2: {
                        message.cancel_request = $root.etcdserverpb.WatchCancelRequest.decode(reader, reader.uint32(), undefined, long + 1);
                        break;
                    }
                default:
                    reader.skipType(tag & 7, long);
                    break;
                }
            }
            if (length !== undefined) {
                if (reader.pos !== end)
                    throw RangeError("index out of range");
                reader.len = length;
            }
            return message;
        };

        return WatchRequest;
    })();

    etcdserverpb.WatchResponse = (function() {

        function WatchResponse(properties) {
            this.events = [];
            if (properties)
                for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        }

        WatchResponse.prototype.header = null;
        WatchResponse.prototype.watch_id = $util.Long ? $util.Long.fromBits(0,0,false) : 0;
        WatchResponse.prototype.created = false;
        WatchResponse.prototype.canceled = false;
        WatchResponse.prototype.cancel_reason = "";
        WatchResponse.prototype.events = $util.emptyArray;

        WatchResponse.encode = function encode(message, writer, q) {
            if (!writer)
                writer = $Writer.create();
            if (q === undefined)
                q = 0;
            if (q > $util.recursionLimit)
                throw Error("max depth exceeded");
            if (message.header != null && Object.hasOwnProperty.call(message, "header"))
                $root.etcdserverpb.ResponseHeader.encode(message.header, writer.uint32(10).fork(), q + 1).ldelim();
            if (message.watch_id != null && Object.hasOwnProperty.call(message, "watch_id"))
                writer.uint32(16).int64(message.watch_id);
            if (message.created != null && Object.hasOwnProperty.call(message, "created"))
                writer.uint32(24).bool(message.created);
            if (message.canceled != null && Object.hasOwnProperty.call(message, "canceled"))
                writer.uint32(32).bool(message.canceled);
            if (message.cancel_reason != null && Object.hasOwnProperty.call(message, "cancel_reason"))
                writer.uint32(50).string(message.cancel_reason);
            if (message.events != null && message.events.length)
                for (let i = 0; i < message.events.length; ++i)
                    $root.etcdserverpb.Event.encode(message.events[i], writer.uint32(90).fork(), q + 1).ldelim();
            return writer;
        };

        WatchResponse.decode = function decode(reader, length, error, long) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (long === undefined)
                long = 0;
            if (long > $Reader.recursionLimit)
                throw Error("maximum nesting depth exceeded");
            let end, message;
            if (length === undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = new $root.etcdserverpb.WatchResponse();
            while (reader.pos < end) {
                let tag = reader.uint32();
                if (tag === error)
                    break;
                switch (tag >>> 3) {
                case 1: {
                        message.header = $root.etcdserverpb.ResponseHeader.decode(reader, reader.uint32(), undefined, long + 1);
                        break;
                    }
                case 2: {
                        message.watch_id = reader.int64();
                        break;
                    }
                case 3: {
                        message.created = reader.bool();
                        break;
                    }
                case 4: {
                        message.canceled = reader.bool();
                        break;
                    }
                case 6: {
                        message.cancel_reason = reader.string();
                        break;
                    }
                case 11: {
                        if (!(message.events && message.events.length))
                            message.events = [];
                        message.events.push($root.etcdserverpb.Event.decode(reader, reader.uint32(), undefined, long + 1));
                        break;
                    }
                default:
                    reader.skipType(tag & 7, long);
                    break;
                }
            }
            if (length !== undefined) {
                if (reader.pos !== end)
                    throw RangeError("index out of range");
                reader.len = length;
            }
            return message;
        };

        return WatchResponse;
    })();

    etcdserverpb.AuthenticateRequest = (function() {

        function AuthenticateRequest(properties) {
            if (properties)
                for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        }

        AuthenticateRequest.prototype.name = "";
        AuthenticateRequest.prototype.password = "";

        AuthenticateRequest.encode = function encode(message, writer, q) {
            if (!writer)
                writer = $Writer.create();
            if (q === undefined)
                q = 0;
            if (q > $util.recursionLimit)
                throw Error("max depth exceeded");
            if (message.name != null && Object.hasOwnProperty.call(message, "name"))
                writer.uint32(10).string(message.name);
            if (message.password != null && Object.hasOwnProperty.call(message, "password"))
                writer.uint32(18).string(message.password);
            return writer;
        };

        AuthenticateRequest.decode = function decode(reader, length, error, long) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (long === undefined)
                long = 0;
            if (long > $Reader.recursionLimit)
                throw Error("maximum nesting depth exceeded");
            let end, message;
            if (length === undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = new $root.etcdserverpb.AuthenticateRequest();
            while (reader.pos < end) {
                let tag = reader.uint32();
                if (tag === error)
                    break;
                switch (tag >>> 3) {
                case 1: {
                        message.name = reader.string();
                        break;
                    }
                case 2: {
                        message.password = reader.string();
                        break;
                    }
                default:
                    reader.skipType(tag & 7, long);
                    break;
                }
            }
            if (length !== undefined) {
                if (reader.pos !== end)
                    throw RangeError("index out of range");
                reader.len = length;
            }
            return message;
        };

        return AuthenticateRequest;
    })();

    etcdserverpb.AuthenticateResponse = (function() {

        function AuthenticateResponse(properties) {
            if (properties)
                for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        }

        AuthenticateResponse.prototype.token = "";

        AuthenticateResponse.encode = function encode(message, writer, q) {
            if (!writer)
                writer = $Writer.create();
            if (q === undefined)
                q = 0;
            if (q > $util.recursionLimit)
                throw Error("max depth exceeded");
            if (message.token != null && Object.hasOwnProperty.call(message, "token"))
                writer.uint32(18).string(message.token);
            return writer;
        };

        AuthenticateResponse.decode = function decode(reader, length, error, long) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (long === undefined)
                long = 0;
            if (long > $Reader.recursionLimit)
                throw Error("maximum nesting depth exceeded");
            let end, message;
            if (length === undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = new $root.etcdserverpb.AuthenticateResponse();
            while (reader.pos < end) {
                let tag = reader.uint32();
                if (tag === error)
                    break;
                switch (tag >>> 3) {
                case 2: {
                        message.token = reader.string();
                        break;
                    }
                default:
                    reader.skipType(tag & 7, long);
                    break;
                }
            }
            if (length !== undefined) {
                if (reader.pos !== end)
                    throw RangeError("index out of range");
                reader.len = length;
            }
            return message;
        };

        return AuthenticateResponse;
    })();

    etcdserverpb.MemberHeader = (function() {

        function MemberHeader(properties) {
            if (properties)
                for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        }

        MemberHeader.prototype.cluster_id = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

        MemberHeader.encode = function encode(message, writer, q) {
            if (!writer)
                writer = $Writer.create();
            if (q === undefined)
                q = 0;
            if (q > $util.recursionLimit)
                throw Error("max depth exceeded");
            if (message.cluster_id != null && Object.hasOwnProperty.call(message, "cluster_id"))
                writer.uint32(8).uint64(message.cluster_id);
            return writer;
        };

        MemberHeader.decode = function decode(reader, length, error, long) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (long === undefined)
                long = 0;
            if (long > $Reader.recursionLimit)
                throw Error("maximum nesting depth exceeded");
            let end, message;
            if (length === undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = new $root.etcdserverpb.MemberHeader();
            while (reader.pos < end) {
                let tag = reader.uint32();
                if (tag === error)
                    break;
                switch (tag >>> 3) {
                case 1: {
                        message.cluster_id = reader.uint64();
                        break;
                    }
                default:
                    reader.skipType(tag & 7, long);
                    break;
                }
            }
            if (length !== undefined) {
                if (reader.pos !== end)
                    throw RangeError("index out of range");
                reader.len = length;
            }
            return message;
        };

        return MemberHeader;
    })();

    etcdserverpb.StatusRequest = (function() {

        function StatusRequest(properties) {
            if (properties)
                for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        }

        StatusRequest.encode = function encode(message, writer, q) {
            if (!writer)
                writer = $Writer.create();
            if (q === undefined)
                q = 0;
            if (q > $util.recursionLimit)
                throw Error("max depth exceeded");
            return writer;
        };

        StatusRequest.decode = function decode(reader, length, error, long) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (long === undefined)
                long = 0;
            if (long > $Reader.recursionLimit)
                throw Error("maximum nesting depth exceeded");
            let end, message;
            if (length === undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = new $root.etcdserverpb.StatusRequest();
            while (reader.pos < end) {
                let tag = reader.uint32();
                if (tag === error)
                    break;
                switch (tag >>> 3) {
                default:
                    reader.skipType(tag & 7, long);
                    break;
                }
            }
            if (length !== undefined) {
                if (reader.pos !== end)
                    throw RangeError("index out of range");
                reader.len = length;
            }
            return message;
        };

        return StatusRequest;
    })();

    etcdserverpb.StatusResponse = (function() {

        function StatusResponse(properties) {
            this.errors = [];
            if (properties)
                for (let keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        }

        StatusResponse.prototype.header = null;
        StatusResponse.prototype.version = "";
        StatusResponse.prototype.leader = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
        StatusResponse.prototype.errors = $util.emptyArray;
        StatusResponse.prototype.isLearner = false;

        StatusResponse.encode = function encode(message, writer, q) {
            if (!writer)
                writer = $Writer.create();
            if (q === undefined)
                q = 0;
            if (q > $util.recursionLimit)
                throw Error("max depth exceeded");
            if (message.header != null && Object.hasOwnProperty.call(message, "header"))
                $root.etcdserverpb.MemberHeader.encode(message.header, writer.uint32(10).fork(), q + 1).ldelim();
            if (message.version != null && Object.hasOwnProperty.call(message, "version"))
                writer.uint32(18).string(message.version);
            if (message.leader != null && Object.hasOwnProperty.call(message, "leader"))
                writer.uint32(32).uint64(message.leader);
            if (message.errors != null && message.errors.length)
                for (let i = 0; i < message.errors.length; ++i)
                    writer.uint32(66).string(message.errors[i]);
            if (message.isLearner != null && Object.hasOwnProperty.call(message, "isLearner"))
                writer.uint32(80).bool(message.isLearner);
            return writer;
        };

        StatusResponse.decode = function decode(reader, length, error, long) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (long === undefined)
                long = 0;
            if (long > $Reader.recursionLimit)
                throw Error("maximum nesting depth exceeded");
            let end, message;
            if (length === undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = new $root.etcdserverpb.StatusResponse();
            while (reader.pos < end) {
                let tag = reader.uint32();
                if (tag === error)
                    break;
                switch (tag >>> 3) {
                case 1: {
                        message.header = $root.etcdserverpb.MemberHeader.decode(reader, reader.uint32(), undefined, long + 1);
                        break;
                    }
                case 2: {
                        message.version = reader.string();
                        break;
                    }
                case 4: {
                        message.leader = reader.uint64();
                        break;
                    }
                case 8: {
                        if (!(message.errors && message.errors.length))
                            message.errors = [];
                        message.errors.push(reader.string());
                        break;
                    }
                case 10: {
                        message.isLearner = reader.bool();
                        break;
                    }
                default:
                    reader.skipType(tag & 7, long);
                    break;
                }
            }
            if (length !== undefined) {
                if (reader.pos !== end)
                    throw RangeError("index out of range");
                reader.len = length;
            }
            return message;
        };

        return StatusResponse;
    })();

    return etcdserverpb;
})();

