"""What TensorBoard's own reader finds in the logs of a training."""


def read_losses(folder):
    """Return the points (epoch, loss) of each part."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    read = EventAccumulator(str(folder)).Reload()
    return {
        part: [(event.step, event.value) for event in read.Scalars(part)]
        for part in read.Tags()["scalars"]
    }
