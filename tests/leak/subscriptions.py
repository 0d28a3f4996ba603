"""Generated subscriptions: all that the schema lets one follow, under each place and by record."""

from graphql import GraphQLObjectType, GraphQLSchema, get_named_type

from tests.leak.judge import global_id
from tests.leak.surface import arguments, record_types, shallow
from tests.leak.world import World


def subscription_documents(schema: GraphQLSchema, world: World) -> list[str]:
    """Every subscription bare and with each of its arguments."""
    found = []
    assert schema.subscription_type is not None
    inline = " ".join(
        f"... on {name} {{ {_values(kind)} }}" for name, kind in record_types(schema).items()
    )
    for name, field in schema.subscription_type.fields.items():
        payload = get_named_type(field.type)
        assert isinstance(payload, GraphQLObjectType)
        node = get_named_type(payload.fields["node"].type)
        below = shallow(node) if isinstance(node, GraphQLObjectType) else f"__typename id {inline}"
        inner = f"{shallow(payload)} node {{ {below} }}"
        choices: list[dict[str, object]] = [{}]
        if "records" in field.args:
            choices.append({"records": sorted(record_types(schema))})
        if "under" in field.args:
            places = [row for tenant in ("a", "b") for row in world.of("Place", tenant)]
            choices += [{"under": global_id("Place", row.id)} for row in places]
        found += [
            f"subscription Attack {{ {name}{arguments(given)} {{ {inner} }} }}" for given in choices
        ]
    return found


def _values(kind: GraphQLObjectType) -> str:
    # Two types may give one field different types; an alias for each type keeps them apart.
    plain = shallow(kind).split()
    return " ".join(f"{kind.name}_{each}: {each}" for each in plain if each != "__typename")
