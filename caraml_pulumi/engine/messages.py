"""Fields of Pulumi's protocol that several of its messages have, under names of their own."""

from google.protobuf.message import Message


def copy_field(source: Message, name: str, target: Message, theirs: str) -> None:
    """Set the field `theirs` of `target`, which is not set, to what the field `name` of `source` is set to, if it is.

    Messages in it may be of another type with the same fields.
    """
    descriptor = source.DESCRIPTOR.fields_by_name[name]
    value = getattr(source, name)
    if descriptor.message_type is not None and descriptor.message_type.GetOptions().map_entry:
        getattr(target, theirs).update(value)
    elif descriptor.label == descriptor.LABEL_REPEATED:
        getattr(target, theirs).extend(value)
    elif descriptor.message_type is not None:
        if source.HasField(name):
            getattr(target, theirs).MergeFromString(value.SerializeToString())
    elif source.HasField(name) if descriptor.has_presence else value:
        setattr(target, theirs, value)
