"""Whether there are files of a model at a place."""

from botocore.exceptions import ClientError

from caraml_pulumi.artifacts.client import Endpoint, explained, is_missing
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.artifacts import Location


def is_there(endpoint: Endpoint, place: Location) -> bool:
    """Whether `place` is an object or has any under it. Raises `CaramlError` where S3 does not say."""
    try:
        with explained(f"looking for {place.uri}", endpoint, place.bucket):
            client = endpoint.client()
            for prefix in dict.fromkeys((f"{place.prefix}/".removeprefix("/"), place.prefix)):
                found = client.list_objects_v2(Bucket=place.bucket, Prefix=prefix, MaxKeys=1)
                keys = [one["Key"] for one in found.get("Contents", [])]
                if keys and (prefix != place.prefix or keys[0] == prefix or not prefix):
                    return True
    except CaramlError as error:
        if isinstance(error.__cause__, ClientError) and is_missing(error.__cause__):
            return False
        raise
    return False
