from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from messaging.producer.partitioner import choose_partition


@given(st.binary(max_size=70), st.integers(1, 50))
def test_a_key_belongs_where_kafkas_own_partitioner_puts_it(key: bytes, number: int) -> None:
    partitions = list(range(number))
    assert choose_partition(key, partitions) == DefaultPartitioner()(key, partitions, partitions)


def test_records_without_a_key_go_to_any_partition() -> None:
    assert {choose_partition(None, [3, 4, 5]) for _ in range(200)} == {3, 4, 5}
